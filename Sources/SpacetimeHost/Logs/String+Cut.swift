extension String {
    /// This text if it has no more bytes than so many; else the start of it, and how many more bytes there are. For logs and
    /// errors, in texts that somebody else has written. Costs what it returns.
    package func cut(toByteCount limit: Int) -> String {
        guard utf8.count > limit else { return self }
        // Half a character of UTF-8 becomes the mark for a bad one.
        return String(decoding: utf8.prefix(limit), as: UTF8.self) + "… (\(utf8.count - limit) more bytes)"
    }
}
