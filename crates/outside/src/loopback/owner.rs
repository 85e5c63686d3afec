//! The user who owns the other end of a connection over loopback, as the kernel's table of TCP sockets says. It answers for
//! sockets of this network namespace only, and on Linux only: a forwarded port belongs to the process that forwards it.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};

/// The kernel's table of IPv4 sockets.
const TABLE: &str = "/proc/net/tcp";

/// The uid of the process that connected to us; `None` if the connection does not come from this machine, or if the system
/// does not say.
pub(super) fn peer_uid(stream: &TcpStream) -> Option<u32> {
    let (peer, own) = (stream.peer_addr().ok()?, stream.local_addr().ok()?);
    if !peer.ip().is_loopback() {
        return None;
    }
    let table = std::fs::read_to_string(TABLE).ok()?;
    uid_of(&table, peer, own)
}

/// The uid in the row of the socket whose own end is `local` and whose other end is `remote`. Root's uid also stands in the row
/// of a socket that its process has closed already, so 0 says nothing.
fn uid_of(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let uid = table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, from, to, _, _, _, _, uid, ..] = columns.as_slice() else { return None };
        (address(from) == Some(local) && address(to) == Some(remote)).then(|| uid.parse().ok())?
    })?;
    (uid != 0).then_some(uid)
}

/// Reads an address as the table has it: the IPv4 address in the byte order of the machine, then the port, both in hexadecimal.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_ne_bytes());
    Some(SocketAddrV4::new(ip, u16::from_str_radix(port, 16).ok()?).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_row_of_a_connection_is_found_by_both_ends() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1670 1 0 100 0 0 10 0\n\
             1: 0100007F:D431 0100007F:9C40 01 00000000:00000000 00:00000000 00000000 61234        0 1671 1 0 100 0 0 10 0\n\
             2: 0100007F:D432 0100007F:9C40 06 00000000:00000000 00:00000000 00000000     0        0 0 3 0\n";
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let rows = [
            (0xd431, 0x9c40, Some(61234)),
            (0x9c40, 0xd431, None),
            (0xd432, 0x9c40, None),
            (0xd433, 0x9c40, None),
        ];
        for (local, remote, uid) in rows {
            assert_eq!(uid_of(table, at(local), at(remote)), uid, "{local:x}");
        }
        assert_eq!(uid_of("", at(1), at(2)), None);
        assert_eq!(uid_of("head\n garbage\n", at(1), at(2)), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_connection_of_this_process_is_its_own_users() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let _visitor = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let own = crate::env::own_uid();
        assert_eq!(peer_uid(&stream), (own != 0).then_some(own));
    }
}
