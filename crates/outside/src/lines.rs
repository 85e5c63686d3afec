//! Lines of standard input, as a program sends them.

use std::io;

use wire::Secret;
use zeroize::Zeroizing;

/// Hands each line of standard input to `heard`, without its end, on a thread of its own, and nothing at the end of the input or
/// where it cannot be read. A line may be a secret. Bytes beyond `longest` of a line are passed over; a line that is no UTF-8 is
/// handed over with replacement characters. The thread ends with the input or with the process.
///
/// # Errors
/// When the system has no thread left.
pub fn listen(longest: usize, mut heard: impl FnMut(Option<Secret>) + Send + 'static) -> io::Result<()> {
    let listener = move || {
        let mut line = Zeroizing::new(Vec::with_capacity(longest));
        loop {
            let mut buffer = Zeroizing::new([0; 4096]);
            // Past the buffer of the standard library, so that no copy stays behind.
            let length = rustix::io::retry_on_intr(|| rustix::io::read(io::stdin(), buffer.as_mut_slice()));
            let Ok(length @ 1..) = length else { break };
            for byte in &buffer[..length] {
                match byte {
                    b'\n' => heard(Some(taken(&mut line))),
                    byte if line.len() < longest => line.push(*byte),
                    _ => {}
                }
            }
        }
        if !line.is_empty() {
            heard(Some(taken(&mut line)));
        }
        heard(None);
    };
    std::thread::Builder::new().name("lines".to_owned()).spawn(listener).map(drop)
}

fn taken(line: &mut Zeroizing<Vec<u8>>) -> Secret {
    let text = String::from_utf8_lossy(line).into_owned();
    line.iter_mut().for_each(|byte| *byte = 0);
    line.clear();
    Secret::new(text)
}
