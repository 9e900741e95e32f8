//! Owns the console's files: a web page that is part of the binary, with the headers that keep a browser to it.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

/// A browser runs and loads what comes from here and nothing else; nothing is inline, nobody may frame the page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// A browser keeps the files and asks each time whether they are still so: a new binary is seen at once.
const CACHE_CONTROL: &str = "private, no-cache";

/// A file of the console.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Where it is served.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! assets {
    ($( $file:literal $content_type:ident, )*) => {
        &[
            Asset { path: "/", content_type: HTML, bytes: include_bytes!("console/index.html") },
            $( Asset {
                path: concat!("/assets/", $file),
                content_type: $content_type,
                bytes: include_bytes!(concat!("console/", $file)),
            }, )*
        ]
    };
}

/// Every file of the console, the page first.
pub const ASSETS: &[Asset] = assets! {
    "api.js" SCRIPT,
    "chart.js" SCRIPT,
    "console.css" STYLE,
    "decisions.js" SCRIPT,
    "dom.js" SCRIPT,
    "format.js" SCRIPT,
    "i18n.js" SCRIPT,
    "icon.svg" IMAGE,
    "main.js" SCRIPT,
    "parts.js" SCRIPT,
    "reasons-fr.js" SCRIPT,
    "reasons.js" SCRIPT,
    "vendor/uPlot.LICENSE" TEXT,
    "vendor/uPlot.iife.min.js" SCRIPT,
    "views/alerts.js" SCRIPT,
    "views/buyer.js" SCRIPT,
    "views/buyers.js" SCRIPT,
    "views/live-list.js" SCRIPT,
    "views/order-check.js" SCRIPT,
    "views/portfolio.js" SCRIPT,
    "views/proposals.js" SCRIPT,
    "words-en.js" SCRIPT,
    "words-fr.js" SCRIPT,
};

/// Serves the page at `/` and its files under `/assets/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let tag = etag(asset.bytes);
        router.route(asset.path, get(move |headers: HeaderMap| std::future::ready(answer(asset, &tag, &headers))))
    })
}

fn answer(asset: &'static Asset, tag: &HeaderValue, asked: &HeaderMap) -> Response {
    let headers = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static(CACHE_CONTROL)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    if is_known(tag, asked) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, asset.content_type)];
    (headers, content_type, Bytes::from_static(asset.bytes)).into_response()
}

/// Whether the browser holds this very file.
fn is_known(tag: &HeaderValue, asked: &HeaderMap) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|tags| tags.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes())
}

/// A tag that is another for other bytes.
fn etag(bytes: &[u8]) -> HeaderValue {
    let hash: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{hash}\"")).expect("hexadecimal digits make a header")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    /// All that a browser loads, the page and the library included.
    const BYTES_MAX: usize = 200 * 1000;
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/io/http/console");

    fn text(asset: &Asset) -> &'static str {
        std::str::from_utf8(asset.bytes).expect("UTF-8")
    }

    fn own() -> impl Iterator<Item = &'static Asset> {
        ASSETS.iter().filter(|asset| !asset.path.contains("/vendor/"))
    }

    fn find(path: &str) -> &'static Asset {
        ASSETS.iter().find(|asset| asset.path == path).unwrap_or_else(|| panic!("no {path}"))
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn the_whole_console_is_under_200_kilobytes() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(bytes <= BYTES_MAX, "{bytes} bytes, at most {BYTES_MAX}");
    }

    #[test]
    fn the_routes_do_not_collide() {
        assert!(router::<()>().has_routes());
    }

    #[test]
    fn every_file_of_the_folder_is_served_once() {
        let in_folder: BTreeSet<String> = files(Path::new(FOLDER))
            .iter()
            .map(|file| file.strip_prefix(FOLDER).expect("inside").to_str().expect("UTF-8").to_owned())
            .map(|name| if name == "index.html" { "/".to_owned() } else { format!("/assets/{name}") })
            .collect();
        let served: BTreeSet<String> = ASSETS.iter().map(|asset| asset.path.to_owned()).collect();
        assert_eq!(served, in_folder);
        assert_eq!(served.len(), ASSETS.len(), "a path is served twice");
    }

    #[test]
    fn what_a_file_loads_is_served_too() {
        for asset in own().filter(|asset| asset.content_type == SCRIPT) {
            for line in text(asset).lines().filter(|line| line.starts_with("import ")) {
                let from = line.split('\'').nth(1).unwrap_or_else(|| panic!("{}: {line}", asset.path));
                let folder = asset.path.rsplit_once('/').expect("a path").0;
                let path = match from.strip_prefix("../") {
                    Some(rest) => format!("{}/{rest}", folder.rsplit_once('/').expect("a folder above").0),
                    None => format!("{folder}/{}", from.strip_prefix("./").expect("a relative path")),
                };
                assert_eq!(find(&path).content_type, SCRIPT, "{} loads {path}", asset.path);
            }
        }
        let page = text(find("/"));
        let named = page.split('"').filter(|part| part.starts_with("/assets/"));
        assert_eq!(named.map(find).count(), 4, "the page's icon, style and scripts");
    }

    #[test]
    fn nothing_is_inline_and_nothing_is_loaded_from_elsewhere() {
        for asset in own() {
            let text = text(asset).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http://") && !text.contains("https://"), "{} names another place", asset.path);
            assert!(!text.contains("innerHTML"), "{}: text is text, never markup", asset.path);
            assert!(!text.contains("eval("), "{}: nothing is evaluated", asset.path);
        }
        let page = text(find("/"));
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onload="));
        assert_eq!(page.matches("<script").count(), page.matches("<script src=\"/assets/").count());
    }

    #[test]
    fn each_word_is_there_in_both_languages() {
        let keys = |path| -> Vec<&str> {
            let parts: Vec<&str> = text(find(path)).split(": ").collect();
            let is_key = |pair: &&[&'static str]| pair[1].starts_with('\'') || pair[1].starts_with("{ one");
            let key = |pair: &[&'static str]| pair[0].rsplit([' ', '\n']).next().expect("a key").trim_matches('\'');
            parts.windows(2).filter(is_key).map(key).collect()
        };
        let (english, french) = (keys("/assets/words-en.js"), keys("/assets/words-fr.js"));
        assert!(english.len() > 200, "{} words are few", english.len());
        assert_eq!(english, french);
    }

    #[test]
    fn the_library_lies_beside_its_licence() {
        assert!(text(find("/assets/vendor/uPlot.LICENSE")).starts_with("The MIT License"));
        assert!(text(find("/assets/vendor/uPlot.iife.min.js")).contains("uPlot (v1.6.32)"));
    }

    #[test]
    fn a_file_comes_with_the_headers_that_keep_a_browser_to_it() {
        let asset = find("/");
        let tag = etag(asset.bytes);
        let answer = answer(asset, &tag, &HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::OK);
        let header = |name: header::HeaderName| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header(header::CONTENT_TYPE), HTML);
        assert_eq!(header(header::CACHE_CONTROL), "private, no-cache");
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(header(header::REFERRER_POLICY), "no-referrer");
        let policy = header(header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; ") && policy.ends_with("; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains(concat!("un", "safe")) && !policy.contains('*') && !policy.contains("  "), "{policy}");
    }

    #[test]
    fn a_browser_that_holds_the_file_is_told_so_and_one_with_another_gets_it() {
        let asset = find("/assets/main.js");
        let tag = etag(asset.bytes);
        let status = |known: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(known).expect("a header"));
            answer(asset, &tag, &asked).status()
        };
        let own = tag.to_str().expect("text");
        for known in [own.to_owned(), format!("W/{own}"), format!("\"a\", {own}"), "*".to_owned()] {
            assert_eq!(status(&known), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(status("\"another\""), StatusCode::OK);
        assert_ne!(etag(b"a"), etag(b"b"));
    }
}
