//! Keys that name their issuer by a prefix. A rule is data: prefix, alphabet, lengths.

use crate::context::Context;
use crate::entity::Entity;
use crate::ids::{CERTAIN, LIKELY};
use crate::span::Candidate;
use crate::topics::{Topic, Topics};
use crate::walk::PrefixHit;
use crate::words::before;

/// Which characters may follow the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// `A-Z a-z 0-9`.
    Base62,
    /// Base 62 with `-` and `_`.
    Base64Url,
    /// Base 62 with `+`, `/` and `=`.
    Base64,
    /// `0-9 a-f`, either case.
    Hex,
    /// `A-Z 2-7`.
    Base32,
    /// Base 64 URL with stops between parts.
    Dotted,
    /// Base 64 URL with stops, slashes, colons and tildes: paths and connection strings.
    Path,
}

/// One issuer's keys.
#[derive(Debug)]
pub(crate) struct PrefixRule {
    pub id: &'static str,
    pub prefix: &'static str,
    pub entity: Entity,
    pub alphabet: Alphabet,
    /// Characters after the prefix, at least and at most.
    pub length: (usize, usize),
    pub alone: i32,
}

const fn rule(
    id: &'static str,
    prefix: &'static str,
    entity: Entity,
    alphabet: Alphabet,
    length: (usize, usize),
) -> PrefixRule {
    PrefixRule {
        id,
        prefix,
        entity,
        alphabet,
        length,
        alone: CERTAIN + 200,
    }
}

const fn weak(
    id: &'static str,
    prefix: &'static str,
    entity: Entity,
    alphabet: Alphabet,
    length: (usize, usize),
    alone: i32,
) -> PrefixRule {
    PrefixRule {
        id,
        prefix,
        entity,
        alphabet,
        length,
        alone,
    }
}

use Alphabet::{Base32, Base62, Base64, Base64Url, Dotted, Hex, Path};
use Entity::{
    AnthropicKey, ApiKey, AwsAccessKey, AzureKey, DatabricksToken, DigitalOceanToken, GithubToken,
    GitlabToken, GoogleApiKey, HuggingFaceToken, NpmToken, OpenAiKey, PypiToken, SendgridKey, SlackToken,
    StripeKey, TelegramToken, TwilioKey, VaultToken,
};

/// Every rule; formats from the issuers' documentation and from public secret-scanning rule sets.
pub(crate) const PREFIX_RULES: &[PrefixRule] = &[
    rule("anthropic", "sk-ant-", AnthropicKey, Base64Url, (20, 200)),
    rule("openai_project", "sk-proj-", OpenAiKey, Base64Url, (20, 220)),
    rule("openai_service", "sk-svcacct-", OpenAiKey, Base64Url, (20, 220)),
    rule("openai_admin", "sk-admin-", OpenAiKey, Base64Url, (20, 220)),
    rule("openrouter", "sk-or-", ApiKey, Base64Url, (20, 120)),
    weak("openai", "sk-", OpenAiKey, Base62, (32, 64), CERTAIN),
    weak("openai_short", "sk-", OpenAiKey, Base64Url, (20, 180), LIKELY),
    rule("aws_access_key", "AKIA", AwsAccessKey, Base32, (16, 16)),
    rule("aws_session_key", "ASIA", AwsAccessKey, Base32, (16, 16)),
    rule("aws_bearer_key", "ABIA", AwsAccessKey, Base32, (16, 16)),
    rule("aws_context_key", "ACCA", AwsAccessKey, Base32, (16, 16)),
    rule("aws_bedrock_key", "ABSK", AwsAccessKey, Base64, (100, 200)),
    rule("github", "ghp_", GithubToken, Base62, (36, 255)),
    rule("github", "gho_", GithubToken, Base62, (36, 255)),
    rule("github", "ghu_", GithubToken, Base62, (36, 255)),
    rule("github", "ghs_", GithubToken, Base62, (36, 255)),
    rule("github", "ghr_", GithubToken, Base62, (36, 255)),
    rule(
        "github_fine_grained",
        "github_pat_",
        GithubToken,
        Base64Url,
        (50, 255),
    ),
    rule("gitlab", "glpat-", GitlabToken, Dotted, (20, 120)),
    rule("gitlab", "gldt-", GitlabToken, Base64Url, (20, 64)),
    rule("gitlab", "glrt-", GitlabToken, Dotted, (20, 120)),
    rule("gitlab", "glcbt-", GitlabToken, Base64Url, (20, 64)),
    rule("gitlab", "glptt-", GitlabToken, Base64Url, (20, 64)),
    rule("gitlab", "glft-", GitlabToken, Base64Url, (20, 64)),
    rule("gitlab", "glsoat-", GitlabToken, Base64Url, (20, 64)),
    rule("gitlab", "gloas-", GitlabToken, Base64Url, (40, 80)),
    rule("google", "AIza", GoogleApiKey, Base64Url, (35, 35)),
    rule(
        "google_client_secret",
        "GOCSPX-",
        GoogleApiKey,
        Base64Url,
        (28, 28),
    ),
    rule("google_access_token", "ya29.", GoogleApiKey, Dotted, (20, 1024)),
    rule("google_refresh_token", "1//0", GoogleApiKey, Base64Url, (40, 120)),
    rule("azure_account_key", "AccountKey=", AzureKey, Base64, (40, 90)),
    rule("azure_shared_key", "SharedAccessKey=", AzureKey, Base64, (40, 90)),
    rule("slack", "xoxb-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xoxp-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xoxa-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xoxr-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xoxs-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xoxe-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xoxe.xoxp-", SlackToken, Base64Url, (10, 255)),
    rule("slack", "xapp-", SlackToken, Base64Url, (20, 255)),
    rule(
        "slack_webhook",
        "hooks.slack.com/services/",
        SlackToken,
        Path,
        (30, 120),
    ),
    rule("stripe", "sk_live_", StripeKey, Base62, (16, 255)),
    rule("stripe", "sk_test_", StripeKey, Base62, (16, 255)),
    rule("stripe", "rk_live_", StripeKey, Base62, (16, 255)),
    rule("stripe", "rk_test_", StripeKey, Base62, (16, 255)),
    rule("stripe", "pk_live_", StripeKey, Base62, (16, 255)),
    rule("stripe", "pk_test_", StripeKey, Base62, (16, 255)),
    rule("stripe_webhook", "whsec_", StripeKey, Base64, (20, 255)),
    weak("twilio_account", "AC", TwilioKey, Hex, (32, 32), LIKELY),
    weak("twilio_key", "SK", TwilioKey, Hex, (32, 32), CERTAIN),
    rule("sendgrid", "SG.", SendgridKey, Dotted, (60, 80)),
    rule("npm", "npm_", NpmToken, Base62, (36, 36)),
    rule("pypi", "pypi-AgE", PypiToken, Base64Url, (50, 1024)),
    rule("huggingface", "hf_", HuggingFaceToken, Base62, (30, 60)),
    rule("huggingface_org", "api_org_", HuggingFaceToken, Base62, (30, 60)),
    rule("databricks", "dapi", DatabricksToken, Hex, (32, 34)),
    rule("digitalocean", "dop_v1_", DigitalOceanToken, Hex, (64, 64)),
    rule("digitalocean", "doo_v1_", DigitalOceanToken, Hex, (64, 64)),
    rule("digitalocean", "dor_v1_", DigitalOceanToken, Hex, (64, 64)),
    weak("telegram", ":AA", TelegramToken, Base64Url, (32, 34), CERTAIN),
    rule("vault", "hvs.", VaultToken, Base64Url, (20, 300)),
    rule("vault", "hvb.", VaultToken, Base64Url, (20, 300)),
    rule("vault", "hvr.", VaultToken, Base64Url, (20, 300)),
    rule("groq", "gsk_", ApiKey, Base62, (40, 64)),
    rule("xai", "xai-", ApiKey, Base62, (60, 100)),
    rule("perplexity", "pplx-", ApiKey, Base62, (32, 64)),
    rule("replicate", "r8_", ApiKey, Base62, (37, 37)),
    rule("nvidia", "nvapi-", ApiKey, Base64Url, (60, 80)),
    rule("tavily", "tvly-", ApiKey, Base64Url, (20, 64)),
    rule("fireworks", "fw_", ApiKey, Base62, (22, 40)),
    rule("langsmith", "lsv2_", ApiKey, Base64Url, (30, 80)),
    rule("langfuse", "sk-lf-", ApiKey, Base64Url, (30, 40)),
    rule("pinecone", "pcsk_", ApiKey, Base64Url, (40, 100)),
    rule("shopify", "shpat_", ApiKey, Hex, (32, 32)),
    rule("shopify", "shpss_", ApiKey, Hex, (32, 32)),
    rule("shopify", "shpca_", ApiKey, Hex, (32, 32)),
    rule("shopify", "shppa_", ApiKey, Hex, (32, 32)),
    rule("square", "sq0atp-", ApiKey, Base64Url, (22, 60)),
    rule("square", "sq0csp-", ApiKey, Base64Url, (22, 60)),
    rule("square", "EAAAE", ApiKey, Base64Url, (56, 64)),
    rule("mailgun", "key-", ApiKey, Hex, (32, 32)),
    rule("rubygems", "rubygems_", ApiKey, Hex, (48, 48)),
    rule("docker", "dckr_pat_", ApiKey, Base64Url, (24, 40)),
    rule("linear", "lin_api_", ApiKey, Base62, (40, 40)),
    rule("postman", "PMAK-", ApiKey, Base64Url, (50, 64)),
    rule("grafana", "glsa_", ApiKey, Base64Url, (32, 64)),
    rule("grafana_cloud", "glc_", ApiKey, Base64, (32, 400)),
    rule("newrelic", "NRAK-", ApiKey, Base62, (27, 27)),
    rule("sentry", "sntrys_", ApiKey, Base64, (60, 400)),
    rule("sentry_user", "sntryu_", ApiKey, Hex, (64, 64)),
    rule("brevo", "xkeysib-", ApiKey, Base64Url, (64, 90)),
    rule("age", "AGE-SECRET-KEY-1", ApiKey, Base62, (58, 58)),
    rule("notion", "ntn_", ApiKey, Base62, (40, 50)),
    rule("notion_old", "secret_", ApiKey, Base62, (43, 43)),
    rule("figma", "figd_", ApiKey, Base64Url, (40, 60)),
    rule("atlassian", "ATATT3", ApiKey, Base64Url, (60, 250)),
    rule("airtable", "patW", ApiKey, Dotted, (70, 90)),
    rule("facebook", "EAACEdEose0cBA", ApiKey, Base62, (10, 250)),
    rule("alibaba", "LTAI", ApiKey, Base62, (12, 24)),
    rule("tencent", "AKID", ApiKey, Base62, (32, 40)),
    rule("flyio", "fo1_", ApiKey, Base64Url, (43, 43)),
    rule("supabase", "sbp_", ApiKey, Hex, (40, 40)),
    rule("planetscale", "pscale_tkn_", ApiKey, Dotted, (32, 64)),
    rule("doppler", "dp.pt.", ApiKey, Base62, (40, 44)),
    rule("heroku", "HRKU-", ApiKey, Base64Url, (36, 70)),
    rule("onepassword", "ops_eyJ", ApiKey, Base64, (200, 1200)),
    rule("terraform", ".atlasv1.", ApiKey, Base64Url, (60, 70)),
    rule(
        "discord_webhook",
        "discord.com/api/webhooks/",
        ApiKey,
        Path,
        (60, 120),
    ),
];

/// Proposes a key at every prefix that was found.
pub(crate) fn propose(context: &Context<'_>, hits: &[PrefixHit], out: &mut Vec<Candidate>) {
    let bytes = context.bytes;
    let mut done = (0, 0);
    for hit in hits {
        // A key's own characters may spell another prefix; a longer prefix of the same key starts where it does.
        if hit.start > done.0 && hit.start < done.1 {
            continue;
        }
        let rule = &PREFIX_RULES[hit.rule];
        let body_start = hit.start + rule.prefix.len();
        let (shortest, longest) = rule.length;
        let is_part = |byte: &u8| rule.alphabet.contains(*byte);
        let mut length = bytes[body_start..]
            .iter()
            .take(longest + 1)
            .take_while(|byte| is_part(byte))
            .count();
        // A full stop or slash at the end is the sentence's.
        while length > 0 && b"./:~-".contains(&bytes[body_start + length - 1]) {
            length -= 1;
        }
        let body = &bytes[body_start..body_start + length];
        if length < shortest || length > longest || !is_random(rule, body) {
            continue;
        }
        let Some(start) = start_of_key(bytes, hit.start, rule) else {
            continue;
        };
        let end = body_start + length;
        done = (start, end);
        // Issuers with longer prefixes are more specific.
        let log_odds =
            rule.alone + rule.prefix.len() as i32 + context.evidence(start, end, SECRET_TOPICS).max(0);
        out.push(Candidate {
            start,
            end,
            entity: rule.entity,
            log_odds,
            rule: rule.id,
        });
    }
}

const SECRET_TOPICS: Topics = Topics::of(&[Topic::Secret, Topic::Password]);

/// Where the key starts: at its prefix, on a boundary; a Telegram token's bot number comes before it.
fn start_of_key(bytes: &[u8], prefix_start: usize, rule: &PrefixRule) -> Option<usize> {
    if rule.entity == TelegramToken {
        let digits = bytes[..prefix_start]
            .iter()
            .rev()
            .take(11)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        return (8..=10).contains(&digits).then(|| prefix_start - digits);
    }
    let starts_inside = before(bytes, prefix_start).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let names_host = matches!(rule.alphabet, Path);
    (!starts_inside || names_host || rule.prefix.starts_with('.')).then_some(prefix_start)
}

/// Prose and identifiers are told from keys: long bodies hold a digit, and letters unless hexadecimal.
fn is_random(rule: &PrefixRule, body: &[u8]) -> bool {
    let digits = body.iter().filter(|byte| byte.is_ascii_digit()).count();
    let distinct = distinct_bytes(body);
    match rule.alphabet {
        Base32 => distinct >= 4,
        Hex => digits > 0 && distinct >= 5,
        _ => (digits > 0 && distinct >= 6) || (body.len() >= 24 && distinct >= 12),
    }
}

/// How many different bytes are in `body`.
fn distinct_bytes(body: &[u8]) -> u32 {
    let mut seen = [0_u128; 2];
    body.iter()
        .for_each(|byte| seen[usize::from(byte >> 7)] |= 1 << (byte & 0x7F));
    seen[0].count_ones() + seen[1].count_ones()
}

impl Alphabet {
    pub(super) fn contains(self, byte: u8) -> bool {
        let extra: &[u8] = match self {
            Base62 => b"",
            Base64Url => b"-_",
            Base64 => b"+/=",
            Hex => return byte.is_ascii_hexdigit(),
            Base32 => return byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7'),
            Dotted => b"-_.",
            Path => b"-_./:~",
        };
        byte.is_ascii_alphanumeric() || extra.contains(&byte)
    }
}
