//! Files as people have them: what goes in, the edits, and every byte that comes out.

use super::*;

fn check(table: &[(&str, &str, &[Edit], &str)]) {
    for (what, text, edits, expected) in table {
        let new = edited(text, edits).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(new, *expected, "{what}");
        let settled =
            edited(&new, &edits.iter().filter(|edit| !adds_and_removes(edit)).cloned().collect::<Vec<_>>());
        assert_eq!(settled.unwrap(), *expected, "{what}: once more changes nothing");
    }
}

/// What cannot be said twice of the same text without effect.
fn adds_and_removes(edit: &Edit) -> bool {
    matches!(edit, Edit::RemoveSection(_))
}

#[test]
fn a_value_keeps_what_stands_around_it() {
    check(&[
        (
            "comment",
            "[default]\nkey   =  old  # why\n",
            &[set("default", "key", "new")],
            "[default]\nkey   =  new  # why\n",
        ),
        ("tight", "[default]\nkey=old\n", &[set("default", "key", "new")], "[default]\nkey=new\n"),
        ("tight and empty", "[default]\nkey=\n", &[set("default", "key", "new")], "[default]\nkey=new\n"),
        ("empty", "[default]\nkey =\n", &[set("default", "key", "new")], "[default]\nkey = new\n"),
        (
            "empty, comment",
            "[default]\nkey = # c\n",
            &[set("default", "key", "new")],
            "[default]\nkey = new # c\n",
        ),
        ("emptied", "[default]\nkey = old # c\n", &[set("default", "key", "")], "[default]\nkey = # c\n"),
        (
            "spelling",
            "[default]\nKeY\t= old;x \n",
            &[set("default", "kEy", "new")],
            "[default]\nKeY\t= new \n",
        ),
        (
            "= in it",
            "[default]\nkey = a=b ;c=d\n",
            &[set("default", "key", "x=y")],
            "[default]\nkey = x=y ;c=d\n",
        ),
        ("same value", "[default]\nkey  =old\n", &[set("default", "key", "old")], "[default]\nkey  =old\n"),
        ("same text around", "[default]\na = a # a\n", &[set("default", "a", "b")], "[default]\na = b # a\n"),
        (
            "continuation",
            "[default]\nk = a\n  b\n # note\n  c\nl = d\n",
            &[set("default", "k", "new")],
            "[default]\nk = new\n # note\nl = d\n",
        ),
        (
            "a block gets a value",
            "[default]\ns3 =\n  k = v\n\n  w = x\nl = d\n",
            &[set("default", "s3", "new")],
            "[default]\ns3 = new\n\nl = d\n",
        ),
    ]);
}

#[test]
fn new_keys_go_behind_the_last_property() {
    check(&[
        (
            "plain",
            "[default]\na = 1\n\n[profile b]\n",
            &[set("default", "k", "v")],
            "[default]\na = 1\nk = v\n\n[profile b]\n",
        ),
        ("in upper case", "[default]\n", &[set("default", "Key", "v")], "[default]\nkey = v\n"),
        (
            "comments behind",
            "[default]\na = 1\n# about b\n[profile b]\n",
            &[set("default", "k", "v"), set("default", "l", "w")],
            "[default]\na = 1\nk = v\nl = w\n# about b\n[profile b]\n",
        ),
        (
            "block",
            "[default]\ns3 =\n  k = v\n  # c\n  w = x\n  # d\n",
            &[set("default", "k", "v")],
            "[default]\ns3 =\n  k = v\n  # c\n  w = x\nk = v\n  # d\n",
        ),
        (
            "indented",
            "  [default]\n  a = 1\n  [profile b]\n",
            &[set("default", "k", "v"), set("b", "k", "v")],
            "  [default]\n  a = 1\n  k = v\n  [profile b]\n  k = v\n",
        ),
        (
            "an indented header follows",
            "[default]\n\t[profile b]\n",
            &[set("default", "k", "v")],
            "[default]\n\tk = v\n\t[profile b]\n",
        ),
        ("no properties", "[default] # d\n# c\n", &[set("default", "k", "v")], "[default] # d\nk = v\n# c\n"),
        ("no last end", "[default]\na = 1", &[set("default", "k", "v")], "[default]\na = 1\nk = v\n"),
        ("foreign keys", "[default]\na.b = 1\n", &[set("default", "k", "v")], "[default]\na.b = 1\nk = v\n"),
    ]);
}

#[test]
fn line_ends_and_marks_stay() {
    check(&[
        (
            "CRLF",
            "[default]\r\na = 1\r\n",
            &[set("default", "a", "2"), set("default", "k", "v"), set("b", "k", "v")],
            "[default]\r\na = 2\r\nk = v\r\n\r\n[profile b]\r\nk = v\r\n",
        ),
        (
            "mixed",
            "[default]\r\na = 1\n[profile b]\nk = 1\r\n",
            &[set("default", "k", "v"), set("b", "l", "v")],
            "[default]\r\na = 1\nk = v\n[profile b]\nk = 1\r\nl = v\r\n",
        ),
        (
            "CRLF, no last end",
            "[default]\r\na = 1",
            &[set("default", "k", "v")],
            "[default]\r\na = 1\r\nk = v\r\n",
        ),
        ("mark", "\u{feff}[default]\na = 1\n", &[set("default", "a", "2")], "\u{feff}[default]\na = 2\n"),
        ("only a mark", "\u{feff}", &[set("default", "a", "2")], "\u{feff}[default]\na = 2\n"),
        (
            "the first section goes, its mark stays",
            "\u{feff}[default]\na = 1\n\n[profile b]\n",
            &[Edit::RemoveSection(profile("default"))],
            "\u{feff}[profile b]\n",
        ),
        ("empty", "", &[set("default", "a", "2")], "[default]\na = 2\n"),
        ("only comments", "# a\n; b", &[set("default", "a", "2")], "# a\n; b\n\n[default]\na = 2\n"),
        ("a blank line", "\n", &[Edit::AddSection(profile("a"))], "\n\n[profile a]\n"),
        ("no edits", "\u{feff}\r\n[a\tb] \n x= y\r", &[], "\u{feff}\r\n[a\tb] \n x= y\r"),
    ]);
}

#[test]
fn what_stands_twice_is_changed_where_it_counts() {
    let text = "[profile a]\nk = 1\nl = 1\n[profile b]\nk = 1\n[profile a]\nK = 2\nk = 3\n";
    check(&[
        (
            "set",
            text,
            &[set("a", "k", "x")],
            "[profile a]\nk = 1\nl = 1\n[profile b]\nk = 1\n[profile a]\nK = 2\nk = x\n",
        ),
        (
            "earlier",
            text,
            &[set("a", "l", "x")],
            "[profile a]\nk = 1\nl = x\n[profile b]\nk = 1\n[profile a]\nK = 2\nk = 3\n",
        ),
        ("remove", text, &[remove("a", "k")], "[profile a]\nl = 1\n[profile b]\nk = 1\n[profile a]\n"),
        (
            "new",
            text,
            &[set("a", "n", "x")],
            "[profile a]\nk = 1\nl = 1\n[profile b]\nk = 1\n[profile a]\nK = 2\nk = 3\nn = x\n",
        ),
        ("remove section", text, &[Edit::RemoveSection(profile("a"))], "[profile b]\nk = 1\n"),
        (
            "the later default is the one that is read",
            "[profile default]\nk = 1\n[default]\nk = 2\n",
            &[set("default", "k", "x"), set("default", "l", "y")],
            "[profile default]\nk = 1\n[default]\nk = x\nl = y\n",
        ),
        (
            "what is not read stays",
            "[profile default]\nk = 1\n[default]\nk = 2\n",
            &[remove("default", "k")],
            "[profile default]\nk = 1\n[default]\n",
        ),
        (
            "no default comes to light",
            "[profile default]\nk = 1\n[default]\nk = 2\n[profile a]\n",
            &[Edit::RemoveSection(profile("default"))],
            "[profile a]\n",
        ),
        (
            "block",
            "[profile a]\ns3 =\n  k = 1\ns3 =\n  k = 2\n  k = 3\n",
            &[nested(profile("a"), "s3", "k", "x")],
            "[profile a]\ns3 =\n  k = 1\ns3 =\n  k = 2\n  k = x\n",
        ),
    ]);
}

#[test]
fn nested_values() {
    let services = || SectionName::Services("local".to_owned());
    let url = |value| nested(services(), "sts", "endpoint_url", value);
    check(&[
        (
            "from nothing",
            "",
            &[url("http://127.0.0.1:1"), nested(services(), "sso", "endpoint_url", "http://127.0.0.1:2")],
            "[services local]\nsts =\n    endpoint_url = http://127.0.0.1:1\nsso =\n    endpoint_url = http://127.0.0.1:2\n",
        ),
        (
            "changed",
            "[services local]\nsts =\n\tEndpoint_URL=old # c\n",
            &[url("new")],
            "[services local]\nsts =\n\tEndpoint_URL=new # c\n",
        ),
        (
            "one more",
            "[services local]\n sts = # c\n   a = 1\n\n   # d\nsso =\n  a = 1\n",
            &[url("x")],
            "[services local]\n sts = # c\n   a = 1\n   endpoint_url = x\n\n   # d\nsso =\n  a = 1\n",
        ),
        (
            "an empty key",
            "[services local]\n  sts =",
            &[url("x")],
            "[services local]\n  sts =\n      endpoint_url = x\n",
        ),
        (
            "empty",
            "[services local]\nsts =\n  endpoint_url = x\n",
            &[url("")],
            "[services local]\nsts =\n  endpoint_url =\n",
        ),
        (
            "the block goes",
            "[services local]\nsts =\n  endpoint_url = x\n  # c\n  a = b\nk = v\n",
            &[Edit::Remove { section: services(), key: "sts".to_owned() }],
            "[services local]\n  # c\nk = v\n",
        ),
    ]);
}

#[test]
fn sections_go_with_their_comments_and_one_blank_line() {
    let gone = || Edit::RemoveSection(profile("b"));
    check(&[
        (
            "middle",
            "[profile a]\nk = 1\n\n[profile b]\nk = 2\n\n[profile c]\n",
            &[gone()],
            "[profile a]\nk = 1\n\n[profile c]\n",
        ),
        ("first", "[profile b]\nk = 2\n\n[profile c]\n", &[gone()], "[profile c]\n"),
        ("last", "[profile a]\nk = 1\n\n[profile b]\nk = 2\n", &[gone()], "[profile a]\nk = 1\n"),
        ("only", "[profile b]\nk = 2\n", &[gone()], ""),
        ("not there", "[profile a]\nk = 1\n", &[gone()], "[profile a]\nk = 1\n"),
        (
            "its comments",
            "# a\n\n[profile b]\n# b\nk = 2\n# b, too\n\n# c\n[profile c]\n",
            &[gone()],
            "# a\n\n# c\n[profile c]\n",
        ),
        (
            "comments of the next",
            "[profile a]\n\n[profile b]\nk = 2\n# c\n[profile c]\n",
            &[gone()],
            "[profile a]\n\n# c\n[profile c]\n",
        ),
        ("no last end", "[profile a]\n[profile b]\nk = 2", &[gone()], "[profile a]\n"),
    ]);
}
