//! The object store on a real S3 server with object lock (MinIO, see scripts/fetch-minio.sh).
//!
//! Credentials come from the environment, so the checks run in a process of their own that is given them.

use std::net::TcpListener;
use std::path::{Path as FilePath, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aal_service::objects::{ObjectsConfig, open_checked};
use futures_util::TryStreamExt as _;
use http::{Method, StatusCode};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions,
    UpdateVersion,
};

const DEADLINE: Duration = Duration::from_secs(60);
const REGION: &str = "us-east-1";
const LOCK_DAYS: u32 = 3;
const LOCK_SETTINGS: &str = "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
    <ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>3</Days>\
    </DefaultRetention></Rule></ObjectLockConfiguration>";
/// MD5 of [`LOCK_SETTINGS`], which the call demands.
const LOCK_SETTINGS_MD5: &str = "nwCaGSgbPvdIRZHMdoHRmA==";

/// A server on a free port with a directory of its own; ended when it is dropped.
struct Minio {
    child: Child,
    endpoint: String,
    user: String,
    password: String,
    _data: tempfile::TempDir,
}

impl Minio {
    fn start(program: &FilePath) -> Minio {
        let data = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // Made here, so that nothing shaped like a secret is in the repository.
        let (user, password) = ("tester".to_owned(), format!("only-for-{}", std::process::id()));
        let child = Command::new(program)
            .args([
                "server",
                "--quiet",
                "--address",
                &free.to_string(),
                "--console-address",
                "127.0.0.1:0",
            ])
            .arg(data.path())
            .env("MINIO_ROOT_USER", &user)
            .env("MINIO_ROOT_PASSWORD", &password)
            .env("HOME", data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Minio {
            child,
            endpoint: format!("http://{free}"),
            user,
            password,
            _data: data,
        }
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls of the S3 API that `object_store` has not.
struct Raw {
    endpoint: String,
    credential: AwsCredential,
}

impl Raw {
    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> StatusCode {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .body(HttpRequestBody::from(body.as_bytes().to_vec()))
            .unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        AwsAuthorizer::new(&self.credential, "s3", REGION)
            .try_authorize(&mut request, None)
            .unwrap();
        let options = ClientOptions::new().with_allow_http(true);
        let http = ReqwestConnector::default().connect(&options).unwrap();
        // Before it listens there is no answer at all.
        http.execute(request)
            .await
            .map_or(StatusCode::SERVICE_UNAVAILABLE, |answer| answer.status())
    }

    async fn make_buckets(&self) {
        let began = Instant::now();
        while self.call(Method::PUT, "/plain", &[], "").await != StatusCode::OK {
            assert!(began.elapsed() < DEADLINE, "MinIO does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let lockable = [("x-amz-bucket-object-lock-enabled", "true")];
        for bucket in ["/locked", "/lockable"] {
            assert_eq!(
                self.call(Method::PUT, bucket, &lockable, "").await,
                StatusCode::OK
            );
        }
        let digest = [("content-md5", LOCK_SETTINGS_MD5)];
        let set = self.call(Method::PUT, "/locked?object-lock=", &digest, LOCK_SETTINGS);
        assert_eq!(set.await, StatusCode::OK);
    }
}

#[test]
fn a_bucket_with_object_lock_keeps_what_was_written() {
    let script = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/fetch-minio.sh");
    let fetched = Command::new(script).output().unwrap();
    assert!(
        fetched.status.success(),
        "{}",
        String::from_utf8_lossy(&fetched.stderr)
    );
    let program = PathBuf::from(String::from_utf8(fetched.stdout).unwrap().trim());
    let minio = Minio::start(&program);
    let inside = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inside", "--nocapture"])
        .env("AWS_ACCESS_KEY_ID", &minio.user)
        .env("AWS_SECRET_ACCESS_KEY", &minio.password)
        .env("AAL_TEST_S3", &minio.endpoint)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&inside.stdout),
        String::from_utf8_lossy(&inside.stderr)
    );
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
}

/// The test above runs this one in a process of its own, whose environment holds the server and its credentials.
#[tokio::test]
async fn inside() {
    let Ok(endpoint) = std::env::var("AAL_TEST_S3") else {
        return;
    };
    let raw = Raw {
        endpoint: endpoint.clone(),
        credential: AwsCredential {
            key_id: std::env::var("AWS_ACCESS_KEY_ID").unwrap(),
            secret_key: std::env::var("AWS_SECRET_ACCESS_KEY").unwrap(),
            token: None,
        },
    };
    raw.make_buckets().await;
    let config = |bucket: &str, days: Option<u32>| ObjectsConfig {
        endpoint: Some(endpoint.clone()),
        object_lock_days: days,
        ..ObjectsConfig::at(format!("s3://{bucket}/anchors/one"))
    };
    refuses_what_does_not_lock(&config).await;
    let store = open_checked(&config("locked", Some(LOCK_DAYS))).await.unwrap();

    // Written once only, found again, listed below its folder.
    let path = Path::from("epoch/000/manifest");
    let create = || PutOptions::from(PutMode::Create);
    let first = store.put_opts(&path, "first".into(), create()).await.unwrap();
    let again = store.put_opts(&path, "second".into(), create()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "first");
    let listed: Vec<_> = store
        .list(Some(&Path::from("epoch")))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        listed.iter().map(|meta| &meta.location).collect::<Vec<_>>(),
        [&path]
    );
    assert!(matches!(
        store.get(&Path::from("epoch/001/manifest")).await,
        Err(Error::NotFound { .. })
    ));

    // Replaced only if it is still what was read.
    let latest = Path::from("latest");
    let read = store.put(&latest, "1".into()).await.unwrap();
    let update =
        |e_tag: Option<String>| PutOptions::from(PutMode::Update(UpdateVersion { e_tag, version: None }));
    store
        .put_opts(&latest, "2".into(), update(read.e_tag.clone()))
        .await
        .unwrap();
    let late = store
        .put_opts(&latest, "1 again".into(), update(read.e_tag))
        .await;
    assert!(matches!(late, Err(Error::Precondition { .. })), "{late:?}");
    assert_eq!(store.get(&latest).await.unwrap().bytes().await.unwrap(), "2");

    // An administrator can put a new version above a locked one, or hide it, but neither change nor remove it.
    store.put(&path, "forged".into()).await.unwrap();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "forged");
    let version = first.version.clone().expect("a locked bucket has versions");
    let old = || GetOptions {
        version: first.version.clone(),
        ..GetOptions::default()
    };
    assert_eq!(
        store.get_opts(&path, old()).await.unwrap().bytes().await.unwrap(),
        "first"
    );
    let remove = format!("/locked/anchors/one/epoch/000/manifest?versionId={version}");
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    for headers in [&[] as &[(&str, &str)], &bypass] {
        let removed = raw.call(Method::DELETE, &remove, headers, "").await;
        assert!(
            removed.is_client_error(),
            "a locked version was removed: {removed}"
        );
    }
    store.delete(&path).await.unwrap();
    assert!(matches!(store.get(&path).await, Err(Error::NotFound { .. })));
    assert_eq!(
        store.get_opts(&path, old()).await.unwrap().bytes().await.unwrap(),
        "first"
    );
}

async fn refuses_what_does_not_lock(config: &impl Fn(&str, Option<u32>) -> ObjectsConfig) {
    assert!(
        open_checked(&config("plain", None)).await.is_ok(),
        "no lock is demanded"
    );
    for (bucket, days, reason) in [
        ("plain", 1, "no object lock"),
        ("lockable", 1, "no default retention"),
        ("locked", LOCK_DAYS + 1, "3 days"),
        ("absent", 1, "no object lock"),
    ] {
        let refused = open_checked(&config(bucket, Some(days)))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(reason) && refused.contains("object_lock_days"),
            "{bucket}: {refused}"
        );
    }
}
