//! `vigie import` of companies' ratings through the binary: made-up rows, their events, and what is told of them.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use vigie::base::{Currency, Instant};
use vigie::wire::{DecodeRules, decode_value};

/// A map of dated ratings by two agencies: a share, the higher the better, and days, the lower the better.
const DATED: &str = r#"
name = "test"
rows = "ratings"
dates = ["%d/%m/%Y"]
delimiter = ";"
decimal = ","
[columns]
buyer = "buyer"
rated_on = "day"
[[ratings]]
agency = "bureau"
column = "share"
grades = [0.9, 0.5]
pd = "pd"
[[ratings]]
agency = "insurer"
column = "days"
grades = [1, 2, 3, 4, 5, 6, 7, 8, 9]
pds = [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 1]
"#;
const HEADER: &str = "day;buyer;share;pd;days\n";

/// A folder with extracts, in which the program runs.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        desk.put("dated.toml", DATED);
        let undated = DATED.replace("rated_on = \"day\"\n", "").replace("dates = [\"%d/%m/%Y\"]\n", "");
        desk.put("unsaid.toml", &undated);
        desk.put("undated.toml", undated.replace("delimiter", "as_of = \"2023-12-31\"\ndelimiter"));
        desk
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Desk {
        std::fs::write(self.0.path().join(name), content).expect("written");
        self
    }

    fn run(&self, arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command.output().expect("the program runs")
    }

    fn summary(&self) -> serde_json::Value {
        let text = std::fs::read(self.0.path().join("s.json")).expect("a summary");
        serde_json::from_slice(&text).expect("JSON")
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// The events, each decoded by the contract and then shown in few words: "time subject id data".
fn events(output: &Output) -> String {
    let rules = DecodeRules::new(Currency::parse("EUR").expect("a currency"), Instant::MAX);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let shown = |line: &str| {
        let scratch = bumpalo::Bump::new();
        if let Err(refusal) = decode_value(line.as_bytes(), &rules, &scratch) {
            panic!("{refusal}: {line}");
        }
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(event["type"], "rating.changed");
        let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("time"), text("subject"), text("id"), event["data"])
    };
    text.lines().map(shown).collect::<Vec<String>>().join("\n")
}

#[test]
fn each_number_becomes_a_rating_of_its_agency_earliest_first_and_an_empty_cell_none() {
    let desk = Desk::new();
    desk.put(
        "a.csv",
        format!(
            "{HEADER}15/02/2024;B1;0,899999;0,0125;9\n\
             10/01/2024;B2;0,9;;9,5\n\
             15/02/2024;B3;;0,5;0\n\
             10/01/2024;B1;0,4481909969747601;1;\n"
        ),
    );
    let output = desk.run("import --map dated.toml a.csv --summary s.json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let wanted = r#"2024-01-10T12:00:00Z B2 rating.changed:B2:bureau:2024-01-10 {"agency":"bureau","grade":1}
2024-01-10T12:00:00Z B2 rating.changed:B2:insurer:2024-01-10 {"agency":"insurer","grade":10,"pd":"1"}
2024-01-10T12:00:00Z B1 rating.changed:B1:bureau:2024-01-10 {"agency":"bureau","grade":3,"pd":"1"}
2024-02-15T12:00:00Z B1 rating.changed:B1:bureau:2024-02-15 {"agency":"bureau","grade":2,"pd":"0.0125"}
2024-02-15T12:00:00Z B1 rating.changed:B1:insurer:2024-02-15 {"agency":"insurer","grade":9,"pd":"0.08"}
2024-02-15T12:00:00Z B3 rating.changed:B3:insurer:2024-02-15 {"agency":"insurer","grade":1,"pd":"0"}"#;
    assert_eq!(events(&output), wanted);
    assert!(!stderr(&output).contains("future"), "ratings with a date know no future: {}", stderr(&output));
    assert_eq!(
        desk.summary().to_string(),
        r#"{"rows":4,"used":4,"refused":{},"mended":{},"currencies":{},"events":{"rating.changed":6}}"#
    );
}

#[test]
fn ratings_without_a_date_are_taken_as_of_a_day_that_somebody_names_and_that_is_told() {
    let desk = Desk::new();
    desk.put("a.csv", format!("{HEADER};B1;1;;2\nnever;B2;;;3\n"));
    let output = desk.run("import --map undated.toml a.csv --summary s.json");
    let wanted = r#"2023-12-31T12:00:00Z B1 rating.changed:B1:bureau:2023-12-31 {"agency":"bureau","grade":1}
2023-12-31T12:00:00Z B1 rating.changed:B1:insurer:2023-12-31 {"agency":"insurer","grade":2,"pd":"0.01"}
2023-12-31T12:00:00Z B2 rating.changed:B2:insurer:2023-12-31 {"agency":"insurer","grade":3,"pd":"0.02"}"#;
    assert_eq!(events(&output), wanted);
    let warning = "undated.toml: 3 ratings have no date and are taken as of 2023-12-31: what is reckoned with them may know \
                   the future\n";
    assert!(stderr(&output).starts_with(warning), "{}", stderr(&output));
    assert!(stderr(&output).contains("  undated, as of 2023-12-31                3\n"), "{}", stderr(&output));
    assert_eq!(desk.summary()["undated"].to_string(), r#"{"ratings":3,"as_of":"2023-12-31"}"#);

    let other = desk.run("import --map undated.toml a.csv --as-of 2022-06-30 --summary s.json");
    assert_eq!(events(&other), wanted.replace("2023-12-31", "2022-06-30"));
    assert_eq!(desk.summary()["undated"]["as_of"], "2022-06-30");
    assert_eq!(desk.run("import --map unsaid.toml a.csv --as-of 2022-06-30").stdout, other.stdout);
}

#[test]
fn ratings_that_nobody_dates_are_not_imported() {
    let desk = Desk::new();
    desk.put("a.csv", format!("{HEADER}15/02/2024;B1;1;;2\n"));
    let cases = [
        (
            "--map unsaid.toml",
            "map unsaid.toml: the ratings have no date: name its column in columns.rated_on, or, where there is none, the \
             day of which they are to be taken in as_of or with --as-of",
        ),
        (
            "--map dated.toml --as-of 2024-01-01",
            "map dated.toml: --as-of is for ratings without a date, and columns.rated_on is \"day\"",
        ),
        (
            "--map nuclea --as-of 2024-01-01",
            "map nuclea: --as-of is for ratings without a date, and the rows of this map are invoices",
        ),
    ];
    for (arguments, message) in cases {
        let output = desk.run(&format!("import {arguments} a.csv --output out.jsonl"));
        assert_eq!(stderr(&output), format!("vigie: {message}\n"), "{arguments}");
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(!desk.0.path().join("out.jsonl").exists(), "{arguments}");
    }
    assert_eq!(desk.run("import --map undated.toml a.csv --as-of yesterday").status.code(), Some(2));
}

#[test]
fn each_wrong_row_is_told_by_line_and_column_and_the_rest_goes_on() {
    let desk = Desk::new();
    let number = "is no number as the map has them, such as \"1234,56\"";
    let cases = [
        ("15/02/2024;B;1;;2;", "6: refused: 6 cells where the header has 5: is a quote or a delimiter astray?".to_owned()),
        ("15/02/2024;;1;;2", "2: refused: buyer: is empty".to_owned()),
        (";B;1;;2", "1: refused: day: is empty".to_owned()),
        ("2024-02-15;B;1;;2", "1: refused: day: \"2024-02-15\" is no date of 1970 to 2199 in the form %d/%m/%Y".to_owned()),
        ("15/02/2024;B;0.5;;2", format!("3: refused: share: \"0.5\" {number}")),
        ("15/02/2024;B;NaN;;2", format!("3: refused: share: \"NaN\" {number}")),
        ("15/02/2024;B;;;bad", format!("5: refused: days: \"bad\" {number}")),
        (
            "15/02/2024;B;1;1,1;2",
            "4: refused: pd: \"1,1\" is no probability from 0 to 1 as the map has numbers".to_owned(),
        ),
        ("15/02/2024;B;;1;", "3: refused: share: is empty, as is every other rating".to_owned()),
        ("15/02/2024;ok;1;;2", "2: refused: buyer: \"ok\" is the same as at a.csv:2: skipped".to_owned()),
        (
            "15/02/2024;ok;1;;3",
            "2: refused: buyer: \"ok\" stands at a.csv:2 already, of the same day, with other content; keep one of the two"
                .to_owned(),
        ),
    ];
    let mut text = format!("{HEADER}15/02/2024;ok;1;;2\n").into_bytes();
    let mut wanted = String::new();
    for (at, (row, message)) in cases.iter().enumerate() {
        text.extend_from_slice(format!("{row}\n").as_bytes());
        wanted += &format!("a.csv:{}:{message}\n", at + 3);
    }
    text.extend_from_slice(b"15/02/2024;B;1;;\xff\n16/02/2024;ok;1;;3\n");
    wanted += &format!("a.csv:{}:5: refused: days: \"\u{fffd}\" is not UTF-8; convert the file\n", cases.len() + 3);
    let output = desk.put("a.csv", text).run("import --map dated.toml a.csv --summary s.json");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).starts_with(&wanted), "{}", stderr(&output));
    let summary = desk.summary();
    assert_eq!((&summary["rows"], &summary["used"]), (&14.into(), &2.into()));
    assert_eq!(
        summary["refused"].to_string(),
        r#"{"conflict":1,"date":1,"duplicate":1,"empty":3,"not_utf8":1,"number":4,"width":1}"#
    );
    assert_eq!(events(&output).lines().count(), 4);
}

#[test]
fn a_column_of_ratings_that_is_missing_or_there_twice_is_said() {
    let desk = Desk::new();
    desk.put("none.csv", "day;buyer;share;days\n").put("twice.csv", "day;buyer;share;pd;days;days\n");
    let cases = [
        (
            "none.csv",
            "none.csv:1: there is no column \"pd\", the map's probability of default by bureau; the first line names \
             \"day\", \"buyer\", \"share\", \"days\": is it the header, and the delimiter the map's?",
        ),
        ("twice.csv", "twice.csv:1: two columns are called \"days\"; rename one"),
    ];
    for (file, message) in cases {
        let output = desk.run(&format!("import --map dated.toml {file}"));
        assert_eq!((stderr(&output), output.status.code()), (format!("vigie: {message}\n"), Some(1)));
    }
}

#[test]
fn ratings_of_companies_and_their_boletos_are_of_the_same_buyers_and_replay_in_one_stream() {
    let desk = Desk::new();
    desk.put(
        "companies.csv",
        "id_cnpj,cd_cnae_prin,sacado_indice_liquidez_1m,indicador_liquidez_quantitativo_3m\n\
         P,1,0.98,0.3999\nQ,1,,0.95\nR,1,0.2999,\n",
    );
    desk.put(
        "boletos.csv",
        "id_boleto,id_pagador,id_beneficiario,dt_emissao,dt_vencimento,dt_pagamento,vlr_nominal,vlr_baixa,tipo_baixa\n\
         a,P,C,2024-04-01,2024-05-10,,100.0,,\n",
    );
    let ratings = desk.run("import --map nuclea_companies companies.csv --output r.jsonl");
    assert!(stderr(&ratings).starts_with("nuclea_companies: 4 ratings have no date and are taken as of 2021-01-28"));
    assert!(desk.run("import --map nuclea boletos.csv --output i.jsonl").status.success());
    let shown = events(&desk.run("import --map nuclea_companies companies.csv"));
    let grades: Vec<&str> = shown.lines().map(|line| &line[line.find('{').expect("data")..]).collect();
    assert_eq!(
        grades,
        [
            r#"{"agency":"nuclea_liquidity_1m","grade":1}"#,
            r#"{"agency":"nuclea_liquidity_3m","grade":9}"#,
            r#"{"agency":"nuclea_liquidity_3m","grade":3}"#,
            r#"{"agency":"nuclea_liquidity_1m","grade":9}"#,
        ]
    );
    let replay =
        desk.run("replay r.jsonl i.jsonl --base BRL --now 2025-01-01T00:00:00Z --report report.jsonl --summary s.json");
    assert_eq!(replay.status.code(), Some(0), "{}", stderr(&replay));
    assert_eq!((&desk.summary()["applied"], &desk.summary()["refused"]), (&5.into(), &serde_json::json!({})));
    let report = std::fs::read_to_string(desk.0.path().join("report.jsonl")).expect("a report");
    assert_eq!(report.lines().count(), 3, "P, Q and R: {report}");
}

#[test]
fn the_map_of_ratings_in_the_description_can_be_followed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/maps/README.md");
    let readme = std::fs::read_to_string(path).expect("the description");
    let from = readme.find("name = \"our-ratings\"").expect("the example");
    let map = &readme[from..from + readme[from..].find("```").expect("its end")];
    let desk = Desk::new();
    desk.put("map.toml", map).put(
        "a.csv",
        "Code client;Date notation;Note assureur;Score;Probabilité de défaillance\nC01;05/01/2024;10;12,5;0,004\n",
    );
    let output = desk.run("import --map map.toml a.csv");
    let wanted = r#"2024-01-05T12:00:00Z C01 rating.changed:C01:insurer:2024-01-05 {"agency":"insurer","grade":10}
2024-01-05T12:00:00Z C01 rating.changed:C01:bureau:2024-01-05 {"agency":"bureau","grade":4,"pd":"0.004"}"#;
    assert_eq!(events(&output), wanted, "{}", stderr(&output));
}
