/// What the third protocol has here besides the messages of the second: a client that loses its connection may go on where it
/// was, and gets only what has changed since.
///
/// The originals know nothing of it. So it is there only for a client that asks for it
/// (``ConnectionParameters/wantsOffsets``), in frames that hold several messages (``Subprotocol/isBatched``); and such a client
/// finds out by ``ServerMessage/history(_:)`` whether the server knows it, too. Tags begin at 0x80, where those of the originals
/// do not come soon.
public enum V3 {
    /// The first tag of these messages, in either direction.
    static let firstTag: UInt8 = 0x80
}
