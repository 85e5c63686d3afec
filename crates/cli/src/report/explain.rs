//! What `login --explain` says: what was seen of the place, what it weighs, and what follows. What a bug report needs.

use serde_json::json;
use signin::choose::{self, Plan, Refusal, Weights, weigh};
use signin::surroundings::Surroundings;

/// The explanation, as text or as one JSON object.
pub(crate) fn explanation(
    place: &Surroundings,
    wish: &choose::Wish,
    plan: &Result<Plan, Refusal>,
    is_json: bool,
) -> String {
    if is_json { as_json(place, wish, plan) } else { as_text(place, wish, plan) }
}

fn as_json(place: &Surroundings, wish: &choose::Wish, plan: &Result<Plan, Refusal>) -> String {
    let weights =
        |weights: Weights| json!({"open": weights.open, "paste": weights.paste, "code": weights.code});
    let signals: Vec<_> = weigh(place, wish)
        .into_iter()
        .map(|signal| {
            json!({
                "signal": signal.name,
                "words": signal.words,
                "evidence": signal.evidence,
                "weights": weights(signal.weights),
            })
        })
        .collect();
    let decision = match plan {
        Ok(plan) => {
            let offers: Vec<_> = plan
                .offers
                .iter()
                .map(|offer| json!({"way": offer.way.name(), "flow": offer.way.flow(), "score": offer.score, "reason": offer.reason}))
                .collect();
            json!({"offers": offers, "reason": plan.reason, "starts_browser": plan.starts_browser})
        }
        Err(refusal) => json!({"offers": [], "reason": refusal.to_string(), "starts_browser": false}),
    };
    let object = json!({
        "event": "explanation",
        "at_first": weights(Weights::AT_FIRST),
        "signals": signals,
        "decision": decision,
    });
    format!("{object}\n")
}

fn as_text(place: &Surroundings, wish: &choose::Wish, plan: &Result<Plan, Refusal>) -> String {
    let row = |words: &str, weights: Weights| {
        format!("  {:>5} {:>5} {:>5}  {words}\n", weights.open, weights.paste, weights.code)
    };
    let mut text = "What was seen here, and what it weighs:\n\n   open paste  code\n".to_owned();
    text.push_str(&row("before anything is known", Weights::AT_FIRST));
    for signal in weigh(place, wish) {
        text.push_str(&row(&format!("{} ({})", signal.words, signal.evidence), signal.weights));
    }
    match plan {
        Ok(plan) => {
            text.push_str("\nWhat is offered, best first:\n\n");
            for offer in &plan.offers {
                text.push_str(&format!("  {:>5}  {:<5}  {}\n", offer.score, offer.way.name(), offer.reason));
            }
            let browser = if plan.starts_browser { "a browser is started" } else { "no browser is started" };
            text.push_str(&format!("\n{}; {browser}\n", plan.reason));
        }
        Err(refusal) => text.push_str(&format!("\nNothing is offered: {refusal}\n")),
    }
    text
}
