use aal_redact::*;
fn main() {
    let d = Detector::builtin();
    let t = |e: Entity, _: &str| format!("[[{}:k0:{}]]", e.name(), "0".repeat(16));
    for l in std::io::stdin().lines() {
        let l = l.unwrap();
        let (k, b) = l.split_once('|').unwrap();
        let b = b.replace("\\n", "\n");
        println!(
            "{:?}",
            d.scan(&b, k)
                .iter()
                .map(|s| format!(
                    "{} {} {} {}",
                    &b[s.start..s.end],
                    s.entity,
                    s.score_permille,
                    s.rule
                ))
                .collect::<Vec<_>>()
        );
        let r = d.redact_body(b.as_bytes(), "", &t).unwrap();
        println!("  -> {}", r.template);
    }
}
