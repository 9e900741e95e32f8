//! Owns the writing of a tree of JSON as YAML in blocks: what is not plainly a word is quoted as in JSON, which YAML reads.

use serde_json::Value;

/// The tree as a YAML document. Its root is an object.
pub fn document(root: &Value) -> String {
    let mut out = String::new();
    push_block(&mut out, root, 0);
    out
}

/// Appends the members or items of a collection that is not empty, each on a line of its own.
fn push_block(out: &mut String, collection: &Value, indent: usize) {
    let margin = " ".repeat(indent);
    match collection {
        Value::Object(members) => {
            for (name, value) in members {
                out.push_str(&format!("{margin}{}:", scalar(name)));
                push_value(out, value, indent + 2);
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut block = String::new();
                match is_block(item) {
                    true => push_block(&mut block, item, indent + 2),
                    false => block = format!("{margin}  {}\n", inline(item)),
                }
                // The first line of an item stands behind its dash.
                out.push_str(&format!("{margin}- {}", &block[indent + 2..]));
            }
        }
        other => unreachable!("{other} is no collection"),
    }
}

/// Appends what follows a name and its colon.
fn push_value(out: &mut String, value: &Value, indent: usize) {
    if is_block(value) {
        out.push('\n');
        push_block(out, value, indent);
    } else {
        out.push_str(&format!(" {}\n", inline(value)));
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A text: as it is where it is words and nothing else, in quotes otherwise.
fn scalar(text: &str) -> String {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/');
    let words = text.split(' ').all(|part| !part.is_empty() && part.bytes().all(word));
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if words && begins && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn trees_become_blocks() {
        let tree = json!({
            "a": { "b": "two words", "c": [], "d": {} },
            "list": [{ "x": 1, "y": ["p", "q r"] }, "z", [true, null]],
            "$ref": "#/x: y",
            "texts": ["", "no", "1.0.0", "a: b", "a #b", " a", "é\n\""]
        });
        let expected = r##"a:
  b: two words
  c: []
  d: {}
list:
  - x: 1
    "y":
      - p
      - q r
  - z
  - - true
    - null
"$ref": "#/x: y"
texts:
  - ""
  - "no"
  - "1.0.0"
  - "a: b"
  - "a #b"
  - " a"
  - "é\n\""
"##;
        assert_eq!(document(&tree), expected);
    }
}
