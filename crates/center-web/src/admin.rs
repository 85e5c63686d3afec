//! The administration socket (S59): people on the center's own machine decide on sign-ins, read the audit log and move a
//! test clock. Who asks is what the kernel says of the peer, checked before a byte of theirs is read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use center::authorize::Approval;
use center::things::decider::Decider;
use center::things::user_code;
use center::{Call, Caller, authorize, device_decide};
use center_store::Store;
use outside::sockets::may_administer;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use wire::admin::{AdminAnswer, AdminRequest};

use crate::decide::{nothing, turn};
use crate::shared::Shared;
use crate::{apis, housekeeping};

/// The longest request line.
const LONGEST_LINE: u64 = 64 * 1024;
/// How many audit entries are read in one go.
const PAGE: usize = 256;
/// The longest step of a test clock: ten years.
const LONGEST_STEP: i64 = 10 * 365 * 86_400;
/// The pause after the system refused a connection.
const BREATH: Duration = Duration::from_millis(200);

/// What stands for the address of somebody on the center's own machine.
const HERE: &str = "local socket";

/// Serves administrators until the center is to end, and comes back when each has heard its last answer.
pub(crate) async fn serve<S: Store>(shared: Arc<Shared<S>>, listener: UnixListener) {
    let mut conversations = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Whoever is done makes room.
            Some(_) = conversations.join_next() => continue,
            () = shared.stopper.told() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let shared = shared.clone();
                conversations.spawn(async move {
                    // Whoever goes away in the middle of an answer has no more use for it.
                    let _ = converse(&shared, stream).await;
                });
            }
            Err(error) => {
                shared.report(&format!("the administration socket refused a connection: {error}"));
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    while conversations.join_next().await.is_some() {}
}

async fn converse<S: Store>(shared: &Shared<S>, stream: UnixStream) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    if !may_administer(uid) {
        return Ok(());
    }
    let (reader, writer) = stream.into_split();
    let mut conversation = Conversation { reader: BufReader::new(reader), writer };
    loop {
        let line = tokio::select! {
            line = conversation.line() => line?,
            () = shared.stopper.told() => None,
        };
        let Some(line) = line else { return Ok(()) };
        match serde_json::from_slice(&line) {
            Ok(AdminRequest::DecideDevice { user_code, person, decision }) => {
                let request =
                    device_decide::Request { user_code, person, decision, by: Decider::Administrator(uid) };
                conversation.say(&decide(shared, &request).await).await?;
            }
            Ok(AdminRequest::Authorize { url, person }) => {
                let approval = Approval { person, by_uid: uid };
                conversation.say(&approve(shared, &url, &approval).await).await?;
            }
            Ok(AdminRequest::Audit { after, follow }) => {
                if !conversation.tell(shared, after, follow).await? {
                    return Ok(());
                }
            }
            Ok(AdminRequest::SayUrl) => {
                conversation.say(&AdminAnswer::Done { message: shared.instance.url.clone() }).await?;
            }
            Ok(AdminRequest::MoveClock { seconds }) => {
                conversation.say(&move_clock(shared, seconds).await).await?;
            }
            Err(error) => {
                conversation.say(&refused("bad_request", format!("not a request: {error}"))).await?;
            }
        }
    }
}

async fn decide<S: Store>(shared: &Shared<S>, request: &device_decide::Request) -> AdminAnswer {
    let caller = caller(shared);
    let code = &user_code::kept_of_typed(&shared.instance.seals, &request.user_code);
    let gather = || async move {
        match code {
            Some(code) => shared.store.gather_device_decide(code).await,
            None => Ok(None),
        }
    };
    let outcome =
        turn(shared, &caller, gather, |call, grant| device_decide::decide(call, request, grant.as_ref()))
            .await;
    match outcome {
        Ok(Ok(decided)) => AdminAnswer::Done { message: decided.message },
        Ok(Err(refusal)) => refused(&refusal.code, refusal.message),
        Err(_) => failed(),
    }
}

async fn approve<S: Store>(shared: &Shared<S>, url: &str, approval: &Approval) -> AdminAnswer {
    let Some(question) = apis::authorize::question(&shared.hosts, url) else {
        let message = "that is no address at which a client asks to be let in: it ends in /authorize?…";
        return refused("bad_address", message.to_owned());
    };
    let decide = |call: &Call<'_>, (): &()| authorize::approve(call, &question, approval);
    match turn(shared, &caller(shared), nothing, decide).await {
        Ok(Ok(location)) => AdminAnswer::Redirect { location },
        Ok(Err(refusal)) => refused(&refusal.code, refusal.message),
        Err(_) => failed(),
    }
}

fn caller<S: Store>(shared: &Shared<S>) -> Caller {
    Caller { address: HERE.to_owned(), user_agent: "aldis center".to_owned(), request_id: shared.uuid() }
}

async fn move_clock<S: Store>(shared: &Shared<S>, seconds: i64) -> AdminAnswer {
    if !(0..=LONGEST_STEP).contains(&seconds) {
        return refused("bad_step", "the clock moves forward, by ten years at most".to_owned());
    }
    if !shared.clock.advance(seconds) {
        return refused("no_test_clock", "this center's clock cannot be moved".to_owned());
    }
    housekeeping::catch_up(shared).await;
    let now = shared.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ");
    AdminAnswer::Done { message: format!("the center's clock shows {now}") }
}

fn refused(code: &str, message: String) -> AdminAnswer {
    AdminAnswer::Refused { code: code.to_owned(), message }
}

fn failed() -> AdminAnswer {
    refused("failed", "the center failed; the reason is in its log".to_owned())
}

struct Conversation {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Conversation {
    /// The next line; nothing when the other end has nothing more to ask.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let length = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if length == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') && length as u64 == LONGEST_LINE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Some(line))
    }

    async fn say(&mut self, answer: &AdminAnswer) -> io::Result<()> {
        let mut line = serde_json::to_vec(answer).map_err(io::Error::other)?;
        line.push(b'\n');
        self.writer.write_all(&line).await
    }

    /// Tells the audit log from a position on; says whether the conversation goes on.
    async fn tell<S: Store>(&mut self, shared: &Shared<S>, after: i64, follow: bool) -> io::Result<bool> {
        // Before the first read, so that no entry slips in between.
        let mut live = shared.live.follow();
        let mut position = after;
        loop {
            live.mark_unchanged();
            loop {
                let page = match shared.store.audit_after(position, PAGE).await {
                    Ok(page) => page,
                    Err(error) => {
                        shared.report(&error);
                        self.say(&failed()).await?;
                        return Ok(false);
                    }
                };
                let is_last = page.len() < PAGE;
                for logged in page {
                    position = logged.position;
                    self.say(&AdminAnswer::Event { position, event: logged.record }).await?;
                }
                if is_last {
                    break;
                }
            }
            if !follow {
                self.say(&AdminAnswer::Done { message: "that is all".to_owned() }).await?;
                return Ok(true);
            }
            let mut byte = [0];
            tokio::select! {
                changed = live.changed() => if changed.is_err() { return Ok(false) },
                () = shared.stopper.told() => {
                    self.say(&AdminAnswer::Done { message: "the center ends".to_owned() }).await?;
                    return Ok(false);
                }
                // A follower has nothing to say, so whatever comes is its end.
                _ = self.reader.read(&mut byte) => return Ok(false),
            }
        }
    }
}
