//! How much of everything the server gives to a client.

use std::time::Duration;

/// Sizes and deadlines of the HTTP server; the default is what the product promises.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From the first byte of a request (or the start of the connection) to the end of its headers.
    pub head_read: Duration,
    /// From the start of reading a body to its end.
    pub body_read: Duration,
    /// How long a connection may wait for its next request.
    pub keep_alive: Duration,
    /// How long a client may leave an answer unread.
    pub write_stall: Duration,
    /// How long the reader of a stream may take nothing of it.
    pub stream_stall: Duration,
    /// How often a stream shows that it lives.
    pub stream_alive: Duration,
    /// How often it is looked whether the reader of a stream is still signed in.
    pub stream_check: Duration,
    /// How long an answer that ends the connection is given to arrive.
    pub linger: Duration,
    /// How long requests in flight are given at shutdown.
    pub drain: Duration,
    /// How long a port that is in use is tried again.
    pub bind_retry: Duration,
    /// Open connections in all.
    pub connections: usize,
    /// Open connections of one address.
    pub per_peer: usize,
    /// How many of `connections` are kept for this node itself.
    pub reserved: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_read: Duration::from_secs(10),
            body_read: Duration::from_secs(15),
            keep_alive: Duration::from_secs(5),
            write_stall: Duration::from_secs(30),
            stream_stall: Duration::from_secs(15),
            stream_alive: Duration::from_secs(10),
            stream_check: Duration::from_secs(15),
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(5),
            bind_retry: Duration::from_secs(10),
            connections: 1024,
            per_peer: 32,
            reserved: 16,
        }
    }
}
