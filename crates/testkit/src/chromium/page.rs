//! One page of the browser.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Browser;
use crate::PATIENCE;
use crate::target::axe_core;

/// How often a page is looked at while something is awaited.
const GLANCE: Duration = Duration::from_millis(20);
/// Below this width it is a phone.
const PHONE: u32 = 600;

/// Finds what a person would press: a thing by its words.
const PRESSABLE: &str = "\
    (words) => [...document.querySelectorAll('button, input[type=submit], a[href], summary')]\
    .filter(one => (one.innerText || one.value || '').trim() === words)";
const FIELD: &str = "(name) => [...document.querySelectorAll('input, select, textarea')].filter(one => one.name === name && one.type !== 'hidden')";
/// Where to press it, and what else lies there.
const CENTER: &str = "\
    (found) => { \
      if (found.length !== 1) return { wrong: `there are ${found.length} of it` }; \
      found[0].scrollIntoView({ block: 'center', behavior: 'instant' }); \
      const box = found[0].getBoundingClientRect(); \
      const x = box.x + box.width / 2, y = box.y + box.height / 2; \
      const top = document.elementFromPoint(x, y); \
      if (!top || !found[0].contains(top)) return { wrong: `it is covered by ${top && top.outerHTML}` }; \
      return { x, y }; \
    }";
const FOCUSED: &str = "\
    (() => { \
      const one = document.activeElement; \
      if (!one || one === document.body) return 'nothing'; \
      const kind = one.tagName.toLowerCase(); \
      const words = (one.innerText || '').trim(); \
      return kind + ' ' + (one.name && !words ? one.name : words || one.value || ''); \
    })()";
const AXE: &str = "\
    axe.run(document, { resultTypes: ['violations'], preload: false }).then(found => found.violations.map(one => \
      `${one.id} (${one.impact}): ${one.help}\\n` + one.nodes.map(node => `  ${node.html}\\n  ${node.failureSummary}`).join('\\n')))";

/// One page. What is asked of it waits for up to 30 seconds, then the test fails with what the page shows.
#[derive(Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
    context: String,
    session: String,
    size: (u32, u32),
    dark: bool,
}

impl<'a> Page<'a> {
    pub(super) fn open(browser: &'a Browser, context: &str, size: (u32, u32), dark: bool) -> Self {
        let target = browser.ask(
            None,
            "Target.createTarget",
            json!({ "url": "about:blank", "browserContextId": context }),
        );
        let session = browser.ask(
            None,
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        let page = Self { browser, context: context.to_owned(), session, size, dark };
        for domain in ["Page", "Network", "Log", "Runtime"] {
            page.ask(&format!("{domain}.enable"), json!({}));
        }
        page.ask("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        page.ask("Emulation.setFocusEmulationEnabled", json!({ "enabled": true }));
        page.resize(size.0, size.1);
        page.prefers(if dark { "dark" } else { "light" });
        page
    }

    /// Another page of the same person: it shares the cookies.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::open(self.browser, &self.context, self.size, self.dark)
    }

    fn ask(&self, method: &str, parameters: Value) -> Value {
        self.browser.ask(Some(&self.session), method, parameters)
    }

    /// Changes its size, in CSS pixels. Narrow ones are phones.
    pub fn resize(&self, width: u32, height: u32) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < PHONE });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// What the person's system prefers: `light` or `dark`.
    pub fn prefers(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.ask("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// Opens an address as if it were typed, and waits until it is loaded. An answer of any status will do.
    pub fn goto(&self, url: &str) {
        if let Err(error) = self.try_goto(url) {
            panic!("{url}: {error}");
        }
    }

    /// The same, for an address that may not be reached; the error is the browser's, such as `net::ERR_CONNECTION_REFUSED`.
    pub fn try_goto(&self, url: &str) -> Result<(), String> {
        let begun = self.ask("Page.navigate", json!({ "url": url }));
        // Without a loader it was a jump within the page.
        if let Some(loader) = begun["loaderId"].as_str() {
            // A redirect by the page itself may have replaced it since.
            self.wait(&format!("{url} to load"), || {
                (self.has_loaded(loader) || self.document().1 != loader).then_some(())
            });
        }
        begun["errorText"].as_str().map_or(Ok(()), |error| Err(error.to_owned()))
    }

    fn has_loaded(&self, loader: &str) -> bool {
        self.browser.seen(&self.session, |seen| seen.loaded.contains(loader))
    }

    /// Address and loader of the document.
    fn document(&self) -> (String, String) {
        let tree = self.ask("Page.getFrameTree", json!({}));
        let frame = &tree["frameTree"]["frame"];
        (address(frame), frame["loaderId"].as_str().unwrap_or_default().to_owned())
    }

    /// Does something that leads to another document, and waits until that is loaded.
    pub fn lead_on(&self, act: impl FnOnce(&Self)) {
        let before = self.document().1;
        act(self);
        self.wait("another page", || {
            let now = self.document().1;
            (now != before && self.has_loaded(&now)).then_some(())
        });
    }

    /// The address in its address bar, also where that could not be reached.
    pub fn url(&self) -> String {
        self.document().0
    }

    /// Its title.
    pub fn title(&self) -> String {
        self.string("document.title")
    }

    /// What one can read on it.
    pub fn text(&self) -> String {
        self.string("document.body ? document.body.innerText : ''")
    }

    /// Its source as the browser understood it.
    pub fn html(&self) -> String {
        self.string("document.documentElement.outerHTML")
    }

    fn string(&self, js: &str) -> String {
        self.eval(js).as_str().unwrap_or_else(|| panic!("no text: {js}")).to_owned()
    }

    /// The value of an expression, awaited if it is a promise. No policy of the page stops it.
    pub fn eval(&self, js: &str) -> Value {
        // Between two documents there is none to ask.
        self.wait(&format!("the value of {js:.200}"), || self.glance(js).ok())
    }

    fn glance(&self, js: &str) -> Result<Value, String> {
        let question =
            json!({ "expression": js, "returnByValue": true, "awaitPromise": true, "userGesture": true });
        let mut answer = self.browser.try_ask(Some(&self.session), "Runtime.evaluate", question)?;
        if answer["exceptionDetails"].is_object() {
            panic!("{js:.200}: {}", answer["exceptionDetails"]);
        }
        Ok(answer["result"]["value"].take())
    }

    /// Looks again and again until there is something.
    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            if Instant::now() > end {
                let text = self.glance("document.body ? document.body.innerText : ''").unwrap_or_default();
                let text = text.as_str().unwrap_or_default();
                panic!(
                    "waited in vain for {what}\n--- {}\n{text}\n--- errors\n{:#?}",
                    self.url(),
                    self.errors()
                );
            }
            self.browser.listen(GLANCE);
        }
    }

    /// Waits until these words can be read on it.
    pub fn wait_for_text(&self, words: &str) {
        self.wait(&format!("{words:?}"), || self.text().contains(words).then_some(()));
    }

    /// Waits until its address begins so, and hands it over.
    pub fn wait_for_url(&self, start: &str) -> String {
        self.wait(&format!("an address that begins with {start}"), || {
            let url = self.url();
            url.starts_with(start).then_some(url)
        })
    }

    /// Presses a button or link that says exactly these words, with the mouse.
    pub fn click(&self, words: &str) {
        self.click_found(&format!("a button {words:?}"), &format!("({PRESSABLE})({})", json!(words)));
    }

    /// Clicks into a field and writes into it, key by key.
    pub fn type_into(&self, field: &str, text: &str) {
        self.click_found(&format!("a field {field:?}"), &format!("({FIELD})({})", json!(field)));
        self.type_text(text);
    }

    fn click_found(&self, what: &str, finder: &str) {
        let found = self.eval(&format!("({CENTER})({finder})"));
        if let Some(wrong) = found["wrong"].as_str() {
            panic!("{what} cannot be clicked, {wrong}\n--- {}\n{}", self.url(), self.text());
        }
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({ "type": kind, "x": found["x"], "y": found["y"], "button": button, "buttons": buttons, "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", event);
        }
    }

    /// Writes where the focus is, key by key.
    pub fn type_text(&self, text: &str) {
        for letter in text.chars() {
            let letter = letter.to_string();
            self.key(json!({ "key": letter, "text": letter, "unmodifiedText": letter }));
        }
    }

    /// Presses a key: `Tab`, `Shift+Tab`, `Enter`, `Space`, `Escape` or `Backspace`.
    pub fn press(&self, key: &str) {
        let (code, number, text, modifiers) = match key {
            "Tab" => ("Tab", 9, "", 0),
            "Shift+Tab" => ("Tab", 9, "", 8),
            "Enter" => ("Enter", 13, "\r", 0),
            "Space" => ("Space", 32, " ", 0),
            "Escape" => ("Escape", 27, "", 0),
            "Backspace" => ("Backspace", 8, "", 0),
            _ => panic!("there is no key {key:?} here"),
        };
        let key = if code == "Space" { " " } else { code };
        let mut event =
            json!({ "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers });
        if !text.is_empty() {
            event["text"] = json!(text);
        }
        self.key(event);
    }

    fn key(&self, mut event: Value) {
        event["type"] = json!(if event["text"].is_string() { "keyDown" } else { "rawKeyDown" });
        self.ask("Input.dispatchKeyEvent", event.clone());
        event["type"] = json!("keyUp");
        if let Some(members) = event.as_object_mut() {
            members.remove("text");
        }
        self.ask("Input.dispatchKeyEvent", event);
    }

    /// What has the focus: its element and its words or, where it has none, its name. `nothing` without a focus.
    pub fn focused(&self) -> String {
        self.string(FOCUSED).trim().to_owned()
    }

    /// Waits until an element that is shown so is the focused one: a page gives the focus when it is drawn, some time after it
    /// has loaded.
    pub fn wait_for_focus(&self, start: &str) {
        self.wait(&format!("the focus on {start}"), || self.focused().starts_with(start).then_some(()));
    }

    /// A picture of the whole page, also of what one would have to scroll to.
    pub fn screenshot(&self, path: &Path) {
        let sizes = self.ask("Page.getLayoutMetrics", json!({}));
        let longest = |side: &str| {
            let of = |what: &str, side: &str| sizes[what][side].as_f64().unwrap_or(0.0);
            of("cssContentSize", side)
                .max(of("cssLayoutViewport", &format!("client{}{}", side[..1].to_uppercase(), &side[1..])))
        };
        let clip =
            json!({ "x": 0, "y": 0, "width": longest("width"), "height": longest("height"), "scale": 1 });
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.ask("Page.captureScreenshot", wanted);
        let bytes = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
        fs::write(path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// What axe-core finds wrong with the page, one text each.
    pub fn axe(&self) -> Vec<String> {
        if self.eval("typeof axe") != "object" {
            self.eval(&format!("{};undefined", axe_core()));
        }
        let found = self.eval(AXE);
        let found = found.as_array().unwrap_or_else(|| panic!("axe-core did not run: {found}"));
        found.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Everything that the browser complained of so far: its console, refused and failed requests.
    pub fn errors(&self) -> Vec<String> {
        self.browser.listen(Duration::ZERO);
        self.browser.seen(&self.session, |seen| seen.errors.clone())
    }

    /// Every address that was asked for so far.
    pub fn requests(&self) -> Vec<String> {
        self.browser.listen(Duration::ZERO);
        self.browser.seen(&self.session, |seen| seen.requests.clone())
    }

    /// The status of the last answer that was a document or led to one.
    pub fn status(&self) -> u16 {
        self.browser.listen(Duration::ZERO);
        let last = self.browser.seen(&self.session, |seen| seen.documents.last().cloned());
        last.unwrap_or_else(|| panic!("no document was answered")).0
    }

    /// The frames in the page: the address of each, and whether its document was shown.
    pub fn frames(&self) -> Vec<(String, bool)> {
        let tree = self.ask("Page.getFrameTree", json!({}));
        let frames = tree["frameTree"]["childFrames"].as_array().cloned().unwrap_or_default();
        frames.iter().map(|one| (address(&one["frame"]), one["frame"]["unreachableUrl"].is_null())).collect()
    }

    /// The cookies of this person, as the browser describes them.
    pub fn cookies(&self) -> Vec<Value> {
        let cookies =
            self.browser.ask(None, "Storage.getCookies", json!({ "browserContextId": self.context }));
        cookies["cookies"].as_array().cloned().unwrap_or_default()
    }
}

fn address(frame: &Value) -> String {
    let url = frame["unreachableUrl"].as_str().or_else(|| frame["url"].as_str()).unwrap_or_default();
    format!("{url}{}", frame["urlFragment"].as_str().unwrap_or_default())
}
