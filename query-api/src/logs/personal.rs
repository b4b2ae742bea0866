//! Filters by who somebody is: by keyed hashes and tokens, never by clear text.

use aal_control::SearchScope;
use aal_redact::{Entity, Family};
use aal_service::Problem;
use uuid::Uuid;

use crate::app::{App, control_problem};

/// Identifiers are looked up in so many tenants at once; in more, only what the detector recognises is found.
const MOST_TENANTS: usize = 4;
/// Bounds of what counts as an identifier, in characters.
const IDENTIFIER: std::ops::RangeInclusive<usize> = 5..=64;
const FEWEST_DIGITS: usize = 4;

/// Keys of the subjects with this id or e-mail address.
pub(super) async fn subject_keys(app: &App, tenants: &[Uuid], subject: &str) -> Result<Vec<Uuid>, Problem> {
    let mut keys = Vec::new();
    for tenant in tenants {
        let index = app.ring.tenant_index_key(*tenant);
        let by_id = app
            .control
            .subject_key(*tenant, &index.lookup("subject", subject))
            .await
            .map_err(control_problem)?;
        keys.extend(by_id.map(|key| key.subject_key_id));
        if subject.contains('@') {
            let found = found(app, *tenant, &index.email_lookup(subject)).await?;
            let by_email = found
                .into_iter()
                .filter(|(scope, _)| *scope == SearchScope::Subject);
            keys.extend(by_email.filter_map(|(_, value)| value.parse::<Uuid>().ok()));
        }
    }
    Ok(keys)
}

/// Where an e-mail address of users leads.
#[derive(Debug, Default)]
pub(super) struct OfUser {
    /// User ids as the records hold them.
    pub(super) user_ids: Vec<String>,
    /// Events of users without an id.
    pub(super) event_ids: Vec<Uuid>,
}

/// The users with this e-mail address.
pub(super) async fn of_user_email(app: &App, tenants: &[Uuid], email: &str) -> Result<OfUser, Problem> {
    let mut of_user = OfUser::default();
    for tenant in tenants {
        let token = app.ring.tenant_index_key(*tenant).email_lookup(email);
        for (scope, value) in found(app, *tenant, &token).await? {
            match scope {
                SearchScope::User => of_user.user_ids.push(value),
                SearchScope::Event => of_user.event_ids.extend(value.parse::<Uuid>().ok()),
                SearchScope::Subject => {}
            }
        }
    }
    Ok(of_user)
}

async fn found(app: &App, tenant: Uuid, token: &[u8; 32]) -> Result<Vec<(SearchScope, String)>, Problem> {
    let found = app.control.find_search_token(tenant, token).await;
    found.map_err(control_problem)
}

/// The words under which an account, card, identity or telephone number stands in search texts: the tokens of its
/// placeholders, for every kind of number it may be. None when the text is no such number.
pub(super) fn identifier_tokens(app: &App, tenants: &[Uuid], text: &str) -> Vec<Vec<String>> {
    let text = text.trim();
    if !is_identifier(text) || tenants.len() > MOST_TENANTS {
        return Vec::new();
    }
    let mut words = Vec::new();
    for tenant in tenants {
        let index = app.ring.tenant_index_key(*tenant);
        let kinds = Entity::ALL.iter().filter(|entity| is_numbered(**entity));
        words.extend(kinds.map(|entity| {
            let canonical = aal_redact::canonical(*entity, text);
            vec![index.token16(entity.name(), &canonical).to_ascii_lowercase()]
        }));
    }
    words
}

fn is_numbered(entity: Entity) -> bool {
    let is_of_family = matches!(
        entity.family(),
        Family::Financial | Family::National | Family::Health | Family::Device
    );
    is_of_family || entity == Entity::PhoneNumber
}

/// Digits and letters with separators, digits enough among them.
fn is_identifier(text: &str) -> bool {
    let length = text.chars().count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/' | '+' | '(' | ')' | ':');
    // Words of a sentence are not parts of a number: where there are spaces, digits outnumber letters.
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let is_one_word = !text.contains(' ');
    IDENTIFIER.contains(&length)
        && digits >= FEWEST_DIGITS
        && text.chars().all(is_part)
        && (is_one_word || digits > letters)
}

#[cfg(test)]
mod tests {
    use super::is_identifier;

    #[test]
    fn numbers_are_told_from_words() {
        for number in [
            "DE89 3704 0044 0532 0130 00",
            "12345678",
            "+49 (0)30 901820",
            "4111-1111-1111-1111",
            "RSSMRA85M01H501U",
            "GB29 NWBK 6016 1331 9268 19",
        ] {
            assert!(is_identifier(number), "{number}");
        }
        for text in [
            "loan 2024",
            "what about application 2024?",
            "",
            "123",
            "application 20241",
        ] {
            assert!(!is_identifier(text), "{text}");
        }
    }
}
