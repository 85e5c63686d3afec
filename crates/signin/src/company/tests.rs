//! What a look leads to, and who takes part in what, as tables; the files in a real folder.

use super::record::tests::{at, record};
use super::*;

fn sight(part: Part) -> Sight {
    Sight {
        part,
        outcome: None,
        has_lead: part == Part::Leads,
        without_beat: 0,
        without_record: 0,
        has_news: false,
    }
}

#[test]
fn what_a_look_leads_to() {
    let follows = || sight(Part::Follows);
    let denied = || Some(Outcome::Denied);
    let table = [
        ("the one that leads leads", sight(Part::Leads), Next::Stay),
        (
            "until it is over",
            Sight { outcome: denied(), ..sight(Part::Leads) },
            Next::Finish(Outcome::Denied),
        ),
        ("a follower follows", follows(), Next::Stay),
        ("shows what is new", Sight { has_news: true, ..follows() }, Next::Adopt),
        ("leads when nobody does", Sight { has_lead: true, ..follows() }, Next::Lead),
        ("waits for a sign of life", Sight { without_beat: STILL - 1, ..follows() }, Next::Stay),
        ("and not for ever", Sight { without_beat: STILL, ..follows() }, Next::Act),
        ("nor for something to show", Sight { without_record: STILL, ..follows() }, Next::Act),
        (
            "rather leads",
            Sight { has_lead: true, without_beat: STILL, has_news: true, ..follows() },
            Next::Lead,
        ),
        (
            "and rather ends",
            Sight { outcome: Some(Outcome::SignedIn), has_lead: true, without_beat: STILL, ..follows() },
            Next::Finish(Outcome::SignedIn),
        ),
        (
            "beside one that stands still it stays",
            Sight { without_beat: STILL, ..sight(Part::Acts) },
            Next::Stay,
        ),
        ("until it is over", Sight { outcome: denied(), ..sight(Part::Acts) }, Next::Finish(Outcome::Denied)),
    ];
    for (what, sight, expected) in table {
        assert_eq!(next(sight), expected, "{what}");
    }
}

fn wish(ways: &[Way]) -> Wish {
    Wish {
        ways: ways.to_vec(),
        port: 0,
        open_browser: true,
        browser_is_here: true,
        opens_short: false,
        may_use_code: true,
        mode: crate::sign_in::Mode::Usual,
        reads_keys: true,
        reads_lines: false,
        may_paste: true,
        told_keys: Vec::new(),
        has_terminal: true,
        at_once: false,
        callback_listen: None,
    }
}

#[test]
fn one_takes_part_in_what_one_asks_for() {
    let [open, paste, code] = Way::ALL;
    let whole = record();
    let topic = topic();
    let link_only =
        Record { under_way: UnderWay { codes: None, ..whole.under_way.clone() }, ..whole.clone() };
    let codes_only =
        Record { under_way: UnderWay { link: None, ..whole.under_way.clone() }, ..whole.clone() };
    let silent = Record { listens: false, ..link_only.clone() };
    let on_port = |port| Wish { port, ..wish(&[open, code]) };
    let on = |address: &str| Wish { callback_listen: Some(address.parse().unwrap()), ..wish(&[open]) };
    // Link, codes.
    let table = [
        ("all of it", &whole, wish(&[open, paste, code]), [true, true]),
        ("in whatever order", &whole, wish(&[code, paste]), [true, true]),
        ("only the code", &whole, wish(&[code]), [false, true]),
        ("only the link", &whole, wish(&[open]), [true, false]),
        ("a code that is not there", &link_only, wish(&[code]), [false, false]),
        ("a link that is not there", &codes_only, wish(&[open, paste]), [false, false]),
        ("a link at which nobody listens", &silent, wish(&[open, code]), [false, false]),
        ("but its answer can be pasted", &silent, wish(&[paste]), [true, false]),
        ("by who knows that nobody listens", &silent, wish(&[open, paste]), [false, false]),
        ("who pastes need not mind that somebody does", &link_only, wish(&[paste]), [true, false]),
        ("the same port", &link_only, on_port(38381), [true, false]),
        ("another port", &link_only, on_port(38382), [false, false]),
        ("another port matters to no code", &whole, on_port(38382), [false, true]),
        ("the same address", &link_only, on("0.0.0.0"), [true, false]),
        ("another address", &link_only, on("192.0.2.1"), [false, false]),
    ];
    for (name, record, wish, [link, codes]) in table {
        let shared = shared(record, &topic, &wish, at(0)).unwrap_or_default();
        assert_eq!([shared.link.is_some(), shared.codes.is_some()], [link, codes], "{name}");
    }
    for (seconds, [link, codes]) in
        [(299, [true, true]), (300, [true, false]), (599, [true, false]), (600, [false, false])]
    {
        let shared = shared(&whole, &topic, &wish(&Way::ALL), at(seconds)).unwrap_or_default();
        assert_eq!([shared.link.is_some(), shared.codes.is_some()], [link, codes], "{seconds}");
    }
    let another = Topic { what: "another center".into(), ..topic };
    assert_eq!(shared(&whole, &another, &wish(&[open, paste, code]), at(0)), None);
}

fn topic() -> Topic {
    Topic { what: record().what, origin: "https://h".into() }
}

#[test]
fn a_link_that_leads_elsewhere_is_not_shown() {
    let with = |change: &dyn Fn(&mut Link)| {
        let mut record = record();
        change(&mut record.under_way.link.as_mut().unwrap().link);
        let shared = shared(&record, &topic(), &wish(&Way::ALL), at(0)).unwrap_or_default();
        [shared.link.is_some(), shared.codes.is_some()]
    };
    assert_eq!(with(&|_| {}), [true, true]);
    assert_eq!(with(&|link| link.short = None), [true, true]);
    for address in [
        "https://evil.example/authorize?state=5b9d",
        "https://h.evil.example/authorize",
        "https://h@evil.example/authorize",
        "https://h:444/authorize",
        "http://h/authorize",
        "",
    ] {
        assert_eq!(with(&|link| link.address = address.into()), [false, true], "{address}");
    }
    for elsewhere in
        ["http://192.0.2.1:38381/Zm9v", "https://evil.example/Zm9v", "http://127.0.0.1@evil.example/"]
    {
        assert_eq!(with(&|link| link.short = Some(elsewhere.into())), [false, true], "{elsewhere}");
        assert_eq!(with(&|link| link.redirect_uri = elsewhere.into()), [false, true], "{elsewhere}");
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn join(&self) -> Company {
        Company::join(&self.state(), "dev", topic(), None).unwrap()
    }

    fn state(&self) -> StateFolder {
        StateFolder::at(self.0.path().join("aldis")).unwrap()
    }

    /// What lies there but for locks.
    fn left(&self) -> Vec<PathBuf> {
        let all = files::list(&self.0.path().join("aldis/signing-in")).unwrap();
        all.into_iter().filter(|path| path.extension().is_none_or(|ending| ending != "lock")).collect()
    }
}

#[test]
fn the_second_follows_leads_on_and_the_last_one_tidies_up() {
    let folder = Folder::new();
    let all = wish(&Way::ALL);
    let first = folder.join();
    let mut second = folder.join();
    assert_eq!((first.part(), second.part()), (Part::Leads, Part::Follows));
    assert_eq!(second.look(), Next::Stay);
    assert!(matches!(second.adopt(&all, at(0)), Found::Nothing));
    first.publish(record().under_way, &all).unwrap();
    assert_eq!(second.look(), Next::Adopt);
    let Found::Shared(under_way, process) = second.adopt(&all, at(0)) else {
        panic!("it is what is asked for")
    };
    assert_eq!((under_way, process), (record().under_way, processes::own()));
    assert_eq!(second.look(), Next::Stay);
    drop(first);
    // Who comes now leaves the lead to the one whose person sees the link.
    let third = folder.join();
    assert_eq!(third.part(), Part::Follows);
    assert_eq!(second.look(), Next::Lead);
    second.go_on();
    assert_eq!((second.part(), second.look()), (Part::Leads, Next::Stay));
    second.conclude(&Outcome::SignedIn);
    drop(second);
    assert_eq!(folder.left().len(), 2, "one more has to see it");
    let mut third = third;
    assert_eq!(third.look(), Next::Finish(Outcome::SignedIn));
    drop(third);
    assert_eq!(folder.left(), Vec::<PathBuf>::new());
    assert_eq!(folder.join().part(), Part::Leads);
}

#[test]
fn what_the_killed_left_behind_is_nobodys() {
    let folder = Folder::new();
    let first = folder.join();
    first.publish(record().under_way, &wish(&Way::ALL)).unwrap();
    first.conclude(&Outcome::SignedIn);
    // As a kill does, the end of the process frees its locks and removes nothing.
    let copies: Vec<_> =
        folder.left().into_iter().map(|path| (files::read(&path).unwrap().unwrap(), path)).collect();
    drop(first);
    for (bytes, path) in &copies {
        shelf::keep(path, bytes).unwrap();
    }
    let next = folder.join();
    assert_eq!(next.part(), Part::Leads);
    assert_eq!(folder.left(), Vec::<PathBuf>::new());
}

#[test]
fn one_that_gives_no_sign_of_life_is_passed_over() {
    let folder = Folder::new();
    let mut first = folder.join();
    first.publish(record().under_way, &wish(&Way::ALL)).unwrap();
    let mut second = folder.join();
    second.adopt(&wish(&Way::ALL), at(0));
    for _ in 0..STILL * 2 {
        first.look();
        assert_eq!(second.look(), Next::Stay);
    }
    let passed = (0..=STILL).map(|_| second.look()).find(|next| *next != Next::Stay);
    assert_eq!(passed, Some(Next::Act));
    second.go_on();
    assert_eq!(second.part(), Part::Acts);
    second.publish(UnderWay::default(), &wish(&Way::ALL)).unwrap();
    assert_eq!(second.places.record(), Some(record_of(&first)), "it says nothing in the name of the other");
    second.conclude(&Outcome::SignedIn);
    assert_eq!(first.look(), Next::Finish(Outcome::SignedIn), "when it goes on");
}

fn record_of(first: &Company) -> Record {
    Record {
        what: first.topic.what.clone(),
        process: processes::own(),
        listens: true,
        listens_on: None,
        ..record()
    }
}

#[test]
fn one_answer_is_exchanged_by_one() {
    let folder = Folder::new();
    let (first, second) = (folder.join(), folder.join());
    assert!(first.claim().unwrap().take() && first.claim().unwrap().take());
    assert!(!second.claim().unwrap().take());
    drop(first);
    assert!(second.claim().unwrap().take(), "it failed with it");
}

#[test]
fn an_answer_that_another_one_is_at_work_on_is_waited_for() {
    let later = |company: &Company| {
        let claim = Arc::downgrade(&company.claim().unwrap());
        std::thread::spawn(move || Claim::take_later(&claim, &Clock::system()))
    };
    let folder = Folder::new();
    let (first, second) = (folder.join(), folder.join());
    assert!(first.claim().unwrap().take());
    let waits = later(&second);
    first.claim().unwrap().release();
    assert!(waits.join().unwrap(), "it was none");
    assert!(!first.claim().unwrap().take(), "and the next one is at work");
    let waits = later(&first);
    second.conclude(&Outcome::SignedIn);
    drop(second);
    assert!(!waits.join().unwrap(), "it was one");
    let folder = Folder::new();
    let (first, second) = (folder.join(), folder.join());
    assert!(first.claim().unwrap().take());
    let waits = later(&second);
    drop(second);
    assert!(!waits.join().unwrap(), "nobody wants to know");
}

#[test]
fn what_cannot_be_kept_is_not_waited_for() {
    let folder = Folder::new();
    let mut first = folder.join();
    let mut second = folder.join();
    let mut look = || {
        first.look();
        second.look()
    };
    for _ in 1..STILL {
        assert_eq!(look(), Next::Stay);
    }
    assert_eq!(look(), Next::Act);
}

#[test]
fn what_is_under_way_is_not_forgotten() {
    let folder = Folder::new();
    let first = folder.join();
    first.publish(record().under_way, &wish(&Way::ALL)).unwrap();
    let state = folder.state();
    forget_the_killed(&state, "dev");
    let record = first.places.record.clone();
    let text = record.read().unwrap().expect("it is under way");
    drop(first);
    record.keep(text.as_bytes()).unwrap();
    forget_the_killed(&state, "dev");
    assert_eq!(folder.left(), Vec::<PathBuf>::new());
}

#[test]
fn a_last_word_is_waited_for_while_somebody_may_say_it() {
    let folder = Folder::new();
    let (first, second) = (folder.join(), folder.join());
    let clock = Clock::movable();
    let said = std::thread::scope(|scope| {
        let first = scope.spawn(|| first.last_word(&clock));
        second.conclude(&Outcome::SignedIn);
        first.join().unwrap()
    });
    assert_eq!(said, Some(Outcome::SignedIn));
    drop(second);
    assert_eq!(first.last_word(&clock), Some(Outcome::SignedIn), "whoever is gone has said it");
    drop(first);
    let alone = folder.join();
    assert_eq!(alone.last_word(&Clock::system()), None);
}

#[test]
fn what_the_killed_left_behind_is_handed_over_once_and_stays_until_it_is_replaced() {
    let folder = Folder::new();
    let shown = record().under_way;
    let mut first = folder.join();
    assert!(first.take_left_behind().is_none());
    first.publish(shown.clone(), &wish(&Way::ALL)).unwrap();
    first.keep_record();
    drop(first);
    let mut next = folder.join();
    assert_eq!(next.part(), Part::Leads, "nobody else is there");
    let (left, idle) = next.take_left_behind().expect("a record");
    assert_eq!((left.under_way, idle), (shown, Duration::ZERO), "the process before may just have polled");
    assert!(next.take_left_behind().is_none());
    assert_eq!(folder.left().len(), 1, "this one may be killed, too");
    let mut beside = folder.join();
    assert!(beside.part() == Part::Follows && beside.take_left_behind().is_none(), "it is the first one's");
    drop((next, beside));
    assert_eq!(folder.left(), Vec::<PathBuf>::new());
}

#[test]
fn a_record_of_another_sign_in_and_one_that_is_over_are_not_handed_over() {
    let folder = Folder::new();
    let leave = |what: &str, outcome: Option<Outcome>| {
        let mut one = folder.join();
        one.topic.what = what.to_owned();
        one.publish(record().under_way, &wish(&Way::ALL)).unwrap();
        outcome.iter().for_each(|outcome| one.conclude(outcome));
        one.keep_record();
    };
    leave("another center", None);
    assert!(folder.join().take_left_behind().is_none());
    leave(&topic().what, Some(Outcome::SignedIn));
    assert!(folder.join().take_left_behind().is_none());
    assert_eq!(folder.left(), Vec::<PathBuf>::new());
}
