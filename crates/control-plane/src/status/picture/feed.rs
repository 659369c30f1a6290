//! How changes get to the picture.

use appliance_common::readiness::observed::TroubleKind;
use tokio::sync::mpsc;

use super::Picture;

/// Changes that may wait for the board; a page of 500 objects is one.
const WAITING: usize = 8;

/// Something that happened, as what it does to the picture.
pub(in crate::status) type Change = Box<dyn FnOnce(&mut Picture) + Send>;

/// Where observers send what they see; cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::status) struct Feed(mpsc::Sender<Change>);

impl Feed {
    /// A feed, and where its changes come out.
    pub(in crate::status) fn new() -> (Self, mpsc::Receiver<Change>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Hands a change over; waits while the board is behind.
    pub(in crate::status) async fn send(&self, change: impl FnOnce(&mut Picture) + Send + 'static) {
        self.pass(Box::new(change)).await;
    }

    /// [`Self::send`] of what is a change already.
    pub(in crate::status) async fn pass(&self, change: Change) {
        // Without a board the process is ending.
        let _ = self.0.send(change).await;
    }
}

/// What a watch shows of its kind.
#[derive(Debug)]
pub(in crate::status) enum Shown<T> {
    /// A list begins; what is known stays until it is whole.
    Begin,
    /// A part of the list.
    Page(Vec<(String, Result<T, String>)>),
    /// The list is whole.
    Done,
    /// The watch is open: what is known is current.
    Open,
    /// An object as it is now.
    Put(String, Result<T, String>),
    /// An object that is gone.
    Gone(String),
    /// Why nothing is shown.
    Trouble(TroubleKind, String),
}
