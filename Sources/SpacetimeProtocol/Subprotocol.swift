/// The byte format that a WebSocket connection speaks, negotiated when it is opened.
public enum Subprotocol: String, CaseIterable, Sendable {
    /// One message of version 1 per text frame, as JSON.
    case v1JSON = "v1.json.spacetimedb"
    /// One message of version 1 per binary frame, as BSATN.
    case v1BSATN = "v1.bsatn.spacetimedb"
    /// One message of version 2 per binary frame.
    case v2 = "v2.bsatn.spacetimedb"
    /// One or more messages of version 2 per binary frame.
    case v3 = "v3.bsatn.spacetimedb"
}
