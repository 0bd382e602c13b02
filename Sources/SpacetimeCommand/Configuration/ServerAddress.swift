/// Where a server is: `http://127.0.0.1:3000`.
struct ServerAddress: Hashable, Sendable {
    /// Without a slash at its end.
    let text: String

    /// The port that servers listen on if they are told nothing.
    static let local = ServerAddress(unchecked: "http://127.0.0.1:3000")

    private init(unchecked text: String) { self.text = text }

    /// An address of `http` or `https`, with or without a path in front of the server's own; nil for anything else.
    init?(_ text: String) {
        var text = text
        while text.last == "/" { text.removeLast() }
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, ["http", "https"].contains(parts[0].lowercased()) else { return nil }
        let host = parts[1].prefix { $0 != "/" }
        // A name and a password would end up in messages, and a query would swallow the path.
        guard !host.isEmpty, !text.contains(where: { $0.isWhitespace || "@?#\"'<>\\".contains($0) }) else { return nil }
        self.text = parts[0].lowercased() + "://" + host.lowercased() + parts[1].dropFirst(host.count)
    }

    /// Whether what is sent there can be read on the way.
    var isEncrypted: Bool { text.hasPrefix("https:") }
}
