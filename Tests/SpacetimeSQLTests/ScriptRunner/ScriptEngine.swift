import SpacetimeEngine
import SpacetimeHost
import SpacetimeQuery
import SpacetimeSATS
import SpacetimeSchema

/// What runs the statements of scripts.
protocol ScriptEngine: AnyObject {
    /// Statements in other languages are passed over.
    func offers(_ language: Script.Language) -> Bool
    func run(_ text: String, _ language: Script.Language, as speaker: String) throws -> ScriptOutcome
    /// Returns the first rows.
    func subscribe(
        _ set: UInt32, to texts: [String], isOriginal: Bool, as speaker: String
    ) throws -> [String]
    func unsubscribe(_ set: UInt32, as speaker: String) throws
    /// What the speaker was told since the last time: `set + row`, and `;` between commits.
    func told(_ speaker: String) throws -> [String]
}

/// What a statement did. A row is its values as text, with bars between them.
struct ScriptOutcome {
    var rows: [String] = []
    var inserted = 0
    var updated = 0
    var deleted = 0
}

enum ScriptValues {
    /// Whoever has no other.
    static func identity(_ speaker: String) -> Identity {
        speaker == "owner" ? testOwner : Identity.local(speaker)
    }

    /// The values of a row as scripts show them.
    static func text(_ values: [AlgebraicValue?], _ types: [AlgebraicType]) throws -> String {
        try zip(values, types).map { value, type in
            guard let value else { return "NULL" }
            return try ColumnText(type).text(value) ?? "NULL"
        }.joined(separator: " | ")
    }

    /// With `$name` replaced by the identity of that name: as a literal, or as rows show it.
    static func replacingNames(in text: String, isRow: Bool = false) -> String {
        var result = ""
        var rest = text[...]
        while let sign = rest.firstIndex(of: "$") {
            result += rest[..<sign]
            rest = rest[rest.index(after: sign)...]
            let name = rest.prefix { $0.isLetter }
            rest.removeFirst(name.count)
            result += name.isEmpty ? "$" : "\(isRow ? "" : "0x")\(identity(String(name)).hex)"
        }
        return result + rest
    }
}

extension Script.Language {
    /// Which the database itself does not offer, but servers that speak for it.
    var isOriginal: Bool { self == .originalSQL || self == .originalOneOff }

    var language: SQLLanguage {
        switch self {
        case .sql: .adHoc
        case .oneoff: .oneOff
        case .originalSQL: .originalAdHoc
        case .originalOneOff: .originalOneOff
        }
    }
}
