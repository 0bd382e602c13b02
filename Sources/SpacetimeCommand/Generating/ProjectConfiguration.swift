import SpacetimeBindings
import SpacetimeSATS

/// The file `spacetime.json`, as far as it says what code is wanted.
///
/// ```json
/// { "database": "chat", "module-path": "server",
///   "generate": [{ "language": "typescript", "out-dir": "web/src/module_bindings" }],
///   "children": [{ "database": "chat-staging" }] }
/// ```
///
/// Entries inside of another one have what that one has, unless they say something else.
struct ProjectConfiguration {
    static let name = "spacetime.json"

    private let json: JSON

    /// Nil if there is no such file in the folder.
    static func read(in folder: String) throws(CommandFailure) -> ProjectConfiguration? {
        guard let bytes = try UserFile.read(folder + "/" + name) else { return nil }
        do throws(JSONError) {
            let json = try JSON(parsing: bytes)
            guard case .object = json else { throw .mismatch(path: "", expected: "an object") }
            return ProjectConfiguration(json: json)
        } catch { throw CommandFailure(.usage, "'\(name)' cannot be read: \(error)") }
    }

    init(json: JSON) { self.json = json }

    /// The database that the project is about, if it says so.
    var database: String? { json["database"]?.stringValue }

    /// What is wanted, each once.
    ///
    /// - Parameter pattern: the databases that are meant, where `*` stands for any letters; nil for all.
    func targets(of pattern: String?) throws(CommandFailure) -> [GenerationTarget] {
        var targets: [GenerationTarget] = []
        try collect(json, inherited: [:], pattern, &targets, depth: 0)
        var seen: Set<GenerationTarget> = []
        return targets.filter { seen.insert($0).inserted }
    }

    private func collect(
        _ entry: JSON, inherited: [String: JSON], _ pattern: String?, _ targets: inout [GenerationTarget], depth: Int
    ) throws(CommandFailure) {
        guard depth < 16 else { throw CommandFailure(.usage, "the entries of '\(Self.name)' are nested too deep") }
        var values = inherited
        for key in ["database", "module-path", "bin-path", "generate"] {
            if let value = entry[key] { values[key] = value }
        }
        let database = values["database"]?.stringValue
        if pattern.map({ Self.matches(database ?? "", $0) }) ?? true {
            for wanted in values["generate"]?.arrayValue ?? [] {
                targets.append(try target(wanted, values, database))
            }
        }
        for child in entry["children"]?.arrayValue ?? [] {
            try collect(child, inherited: values, pattern, &targets, depth: depth + 1)
        }
    }

    private func target(
        _ wanted: JSON, _ values: [String: JSON], _ database: String?
    ) throws(CommandFailure) -> GenerationTarget {
        guard let text = wanted["language"]?.stringValue, let language = BindingLanguage(text) else {
            throw CommandFailure(
                .usage, "an entry of 'generate' in '\(Self.name)' has no language that there is: \(wanted)")
        }
        let source: GenerationTarget.Source
        if let path = values["bin-path"]?.stringValue {
            source = .file(path)
        } else if let path = values["module-path"]?.stringValue {
            source = .package(path)
        } else if let database {
            source = .database(database)
        } else {
            throw CommandFailure(.usage, "an entry of '\(Self.name)' has neither 'module-path' nor 'database'")
        }
        // However the module is come by, the code has the name of the database.
        let usual = language == .swift ? database : nil
        return GenerationTarget(
            source: source, language: language, folder: wanted["out-dir"]?.stringValue,
            namespace: wanted["namespace"]?.stringValue ?? usual,
            includesPrivate: wanted["include-private"] == .bool(true))
    }

    /// Whether a text is a pattern's, in which `*` stands for any letters.
    static func matches(_ text: String, _ pattern: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return text == pattern }
        guard text.hasPrefix(first), text.dropFirst(first.count).hasSuffix(last) else { return false }
        var rest = text.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }
}
