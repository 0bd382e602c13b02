import SpacetimeSchema

extension SQLCatalog {
    /// A query that stands in the code of a submodule, as a text that means the same anywhere: its tables have their full names,
    /// and go on being called what they are called in it.
    ///
    /// `SELECT * FROM user WHERE user.age > 8` of the submodule `lib` becomes
    /// `SELECT * FROM "lib"."user" AS "user" WHERE user.age > 8`.
    ///
    /// - Returns: the text as it is if there is nothing to spell out, or if it is no query.
    package func spelledOut(_ text: String) -> String {
        guard case .select(let select)? = try? SQLParser.statement(text) else { return text }
        var bytes = Array(text.utf8)
        // From the end, so that places before are still where they were.
        for source in select.sources.reversed() {
            let name = source.table.text
            guard let table = table(named: name, isOwner: true),
                table.id != inside("").table(named: name, isOwner: true)?.id
            else { continue }
            var full = table.schema.name.split(separator: ".").map { Self.quoted(String($0)) }.joined(separator: ".")
            if source.alias == nil, source.arguments == nil { full += " AS \(Self.quoted(name))" }
            bytes.replaceSubrange(source.table.range.start..<source.table.range.end, with: full.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func quoted(_ name: String) -> String {
        let bytes = name.utf8.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] }
        return "\"\(String(decoding: bytes, as: UTF8.self))\""
    }
}
