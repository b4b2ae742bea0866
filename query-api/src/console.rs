//! The console's files, with headers that let nothing foreign run in it.

use std::path::{Component, Path, PathBuf};

use aal_service::Problem;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use warp::reply::Response;

/// Scripts and connections from here only; charts set inline styles.
const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";
/// Larger files are not part of a console.
const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Answers a GET outside the API with a file, or with `index.html` for the console's own addresses.
pub(crate) async fn file(dir: Option<&Path>, path: &str) -> Result<Response, Problem> {
    let absent = || Problem::not_found("there is nothing at this address");
    let Some(dir) = dir else {
        return Err(Problem::not_found(
            "no console is served here; set console.dir to its built files",
        ));
    };
    let wanted = relative(path).ok_or_else(absent)?;
    if let Some(response) = read(dir, &wanted).await {
        return Ok(response);
    }
    // A name with an extension is a file that is not there; anything else is a view of the console.
    if wanted.extension().is_some() {
        return Err(absent());
    }
    read(dir, Path::new("index.html")).await.ok_or_else(|| {
        Problem::not_found("the console is not built; run npm run build in dashboards/console")
    })
}

/// The path below the directory; `None` when it would leave it.
fn relative(path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_start_matches('/'));
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let text = path.to_str()?;
    (is_plain && !text.contains(['\0', '\\', '%'])).then(|| {
        if text.is_empty() {
            PathBuf::from("index.html")
        } else {
            path.to_owned()
        }
    })
}

async fn read(dir: &Path, wanted: &Path) -> Option<Response> {
    let dir = tokio::fs::canonicalize(dir).await.ok()?;
    // Resolved, so that a link cannot lead outside.
    let file = tokio::fs::canonicalize(dir.join(wanted)).await.ok()?;
    let meta = tokio::fs::metadata(&file).await.ok()?;
    if !file.starts_with(&dir) || !meta.is_file() || meta.len() > MAX_FILE_BYTES {
        return None;
    }
    let bytes = tokio::fs::read(&file).await.ok()?;
    let mut response = Response::new(bytes.into());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(&file)));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(
        HeaderName::from_static("x-frame-options"),
        HeaderValue::from_static("DENY"),
    );
    // Built assets carry a digest in their name; the page that names them must be fresh.
    let is_asset = wanted.starts_with("assets");
    let cache = if is_asset {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    Some(response)
}

fn media_type(file: &Path) -> &'static str {
    match file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or("")
    {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_views_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("console")).unwrap();
        std::fs::create_dir(dir.path().join("console/assets")).unwrap();
        let root = dir.path().join("console");
        std::fs::write(root.join("index.html"), "page").unwrap();
        std::fs::write(root.join("assets/a.js"), "code").unwrap();
        std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret.txt"), root.join("link.txt")).unwrap();

        let script = file(Some(&root), "/assets/a.js").await.unwrap();
        assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
        assert!(
            script.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        for view in ["/", "/explorer", "/decisions/0190"] {
            let page = file(Some(&root), view).await.unwrap();
            assert_eq!(page.headers()["cache-control"], "no-cache", "{view}");
            assert!(
                page.headers()["content-security-policy"]
                    .to_str()
                    .unwrap()
                    .contains("script-src 'self';")
            );
        }
        for outside in [
            "/../secret.txt",
            "/link.txt",
            "/assets/missing.js",
            "/%2e%2e/secret.txt",
            "/..",
        ] {
            let refused = file(Some(&root), outside).await;
            assert_eq!(refused.unwrap_err().status, 404, "{outside}");
        }
    }
}
