//! `banner --follow`: stays idle until something of what is shown changes, and shows it anew.
//!
//! The kernel tells of addresses (rtnetlink(7)) and of files (inotify(7)); nothing is polled.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::process::chain;
use appliance_kubectl_queue::{Gate, Launch, Starter};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};

use super::text::{Reader, render};
use super::{Flags, deliver, facts};
use crate::settings::Places;
use crate::{command, owned, say};

/// Changes come in flocks (an address is taken away and given again): one drawing for all of them.
const QUIET_MS: u16 = 500;

/// `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV4_ROUTE`, `RTMGRP_IPV6_IFADDR`, `RTMGRP_IPV6_ROUTE` of linux/rtnetlink.h.
const GROUPS: u32 = 0x10 | 0x40 | 0x100 | 0x400;

/// Longest time for getty to be told.
const GETTY_LIMIT: Duration = Duration::from_secs(5);

/// Why nothing is followed; what was shown stays.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("{doing}; what was shown before stays, and is shown anew by: alga-appliance-bootstrap banner")]
    System { doing: &'static str, source: io::Error },
}

fn while_<E: Into<io::Error>>(doing: &'static str) -> impl FnOnce(E) -> FollowError {
    move |source| FollowError::System {
        doing,
        source: source.into(),
    }
}

pub(super) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    command::ended("banner", follow(gate, places, flags))
}

/// Ends only by an error, or by the signal that ends any program: what is shown is whole at every moment.
fn follow(gate: Gate, places: &Places, flags: &Flags) -> Result<(), FollowError> {
    let runtime = command::runtime().map_err(while_("starting the async runtime"))?;
    let starter = Starter::new(gate).map_err(while_("starting a thread"))?;
    let addresses = addresses().map_err(while_("opening a netlink socket"))?;
    let files = files(places).map_err(while_("watching files"))?;
    let mut shown = None;
    loop {
        let facts = facts::gather(places, &flags.build_info(places));
        let text = render(&facts, Reader::Local);
        if shown.as_ref() != Some(&text) {
            for error in deliver::in_files(&flags.targets(places), &facts) {
                say::error(&format!("banner: {}", chain(&error)));
            }
            runtime.block_on(reload_getty(&starter));
            shown = Some(text);
        }
        wait(&[addresses.as_fd(), files.as_fd()], PollTimeout::NONE)
            .map_err(while_("waiting for changes"))?;
        // Then until it is quiet.
        loop {
            drain(&addresses);
            drain_files(&files);
            let more = wait(&[addresses.as_fd(), files.as_fd()], PollTimeout::from(QUIET_MS));
            if !more.map_err(while_("waiting for changes"))? {
                break;
            }
        }
    }
}

/// Whether one of them can be read before the time is over.
fn wait(fds: &[BorrowedFd<'_>], limit: PollTimeout) -> nix::Result<bool> {
    let mut fds: Vec<_> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    loop {
        match poll(&mut fds, limit) {
            Err(Errno::EINTR) => {}
            polled => return polled.map(|ready| ready > 0),
        }
    }
}

fn addresses() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        flags,
        SockProtocol::NetlinkRoute,
    )?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
    Ok(socket)
}

/// Directories are watched, as the files in them are replaced, not written.
fn files(places: &Places) -> io::Result<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    let flags = AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_ONLYDIR;
    let mut dirs: Vec<PathBuf> = [places.token(), places.admin_credential()]
        .iter()
        .map(|path| owned::parent_of(path))
        .collect();
    dirs.push(places.host_state_dir.clone());
    dirs.sort();
    dirs.dedup();
    for dir in dirs {
        fs::create_dir_all(&dir)?;
        inotify.add_watch(&dir, flags)?;
    }
    Ok(inotify)
}

fn drain(socket: &OwnedFd) {
    let mut buffer = [0; 8192];
    while recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT).is_ok_and(|read| read > 0) {}
}

fn drain_files(inotify: &Inotify) {
    while inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
}

/// Login prompts that wait show the new text at once (agetty(8), `--reload`); a host without it shows it next time.
async fn reload_getty(starter: &Starter) {
    let launch = Launch::new("agetty").args(["--reload"]).limit(GETTY_LIMIT);
    if let Err(failed) = command::child(starter, launch).await {
        tracing::debug!(outcome = failed.outcome, "getty was not told");
    }
}
