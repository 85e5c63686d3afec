//! Audit events: one line each, for people or as the JSON that they are.

use outside::painted::{Color, Painted};
use serde_json::Value;
use wire::words::printable;

use super::words::Style;

/// One event.
pub(crate) fn event(event: &Value, style: Style) -> Painted {
    if style.json {
        return Painted::json(event);
    }
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
    let outcome = match event.pointer("/errorCode").and_then(Value::as_str) {
        Some(code) => style.paint(Color::Red, &printable(code, 64)),
        None => Painted::from("ok"),
    };
    let by = match event.pointer("/userIdentity/uid") {
        Some(uid) => format!(" (decided by user {uid} of the machine)"),
        None => String::new(),
    };
    let role = match event.pointer("/serviceEventDetails") {
        Some(details) => {
            let of = |key: &str| details[key].as_str().unwrap_or("-").to_owned();
            format!(" {} {}", of("account_id"), of("role_name"))
        }
        None => String::new(),
    };
    // The records are cleaned where they are made; a line is one line whatever happened there.
    let one_line = |text: String| text.replace(['\n', '\r'], " ");
    let before = one_line(format!(
        "{} {:<25} {:<10} {:<15} ",
        text("/eventTime"),
        text("/eventName"),
        text("/additionalEventData/UserName"),
        text("/sourceIPAddress"),
    ));
    let behind = one_line(format!(
        "{role}{by} [{}]",
        text("/additionalEventData/AuthWorkflowID").split('-').next().unwrap_or("-"),
    ));
    Painted::from(before).then(outcome).then(behind).then("\n")
}
