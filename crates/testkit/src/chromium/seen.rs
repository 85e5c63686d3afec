//! What the browser tells by itself about one page.

use std::collections::HashSet;

use serde_json::Value;

/// Everything since the page was opened.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The documents, by loader, that have loaded wholly.
    pub(super) loaded: HashSet<String>,
    /// What went wrong, in the browser's words.
    pub(super) errors: Vec<String>,
    /// Every address that was asked for, in its order.
    pub(super) requests: Vec<String>,
    /// Status and address of each answer that was a document or led to one.
    pub(super) documents: Vec<(u16, String)>,
}

impl Seen {
    pub(super) fn take_in(&mut self, event: &str, told: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match event {
            "Page.lifecycleEvent" if told["name"] == "load" => {
                self.loaded.insert(text(&told["loaderId"]));
            }
            "Log.entryAdded" if told["entry"]["level"] == "error" => {
                let entry = &told["entry"];
                self.errors.push(format!("{} {}", text(&entry["text"]), text(&entry["url"])));
            }
            "Runtime.exceptionThrown" => {
                let details = &told["exceptionDetails"];
                self.errors.push(format!(
                    "{} {}",
                    text(&details["text"]),
                    details["exception"]["description"]
                ));
            }
            "Runtime.consoleAPICalled" if told["type"] == "error" => {
                self.errors.push(told["args"].to_string())
            }
            "Network.loadingFailed" if told["canceled"] != true => {
                self.errors.push(format!("{} {}", text(&told["errorText"]), text(&told["blockedReason"])));
            }
            "Network.requestWillBeSent" => {
                self.requests.push(text(&told["request"]["url"]));
                if told["type"] == "Document" {
                    self.answered(&told["redirectResponse"]);
                }
            }
            "Network.responseReceived" if told["type"] == "Document" => self.answered(&told["response"]),
            _ => {}
        }
    }

    fn answered(&mut self, response: &Value) {
        if let (Some(status), Some(url)) = (response["status"].as_u64(), response["url"].as_str()) {
            self.documents.push((u16::try_from(status).unwrap_or(0), url.to_owned()));
        }
    }
}
