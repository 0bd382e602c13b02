import SpacetimeEngine
import SpacetimeQuery
import SpacetimeTestSupport
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The scripts in the folder `Scripts`, on all engines.
@Suite struct ScriptTests {
    static let folder = "\(#filePath)".split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/Scripts"

    static let names: [String] = {
        var names: [String] = []
        guard let directory = opendir(folder) else { return [] }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                String(cString: UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self))
            }
            if name.hasSuffix(".slt") { names.append(name) }
        }
        closedir(directory)
        return names.sorted()
    }()

    private static func script(_ name: String) throws -> Script {
        guard let file = fopen("\(folder)/\(name)", "r") else { throw Script.Malformed(description: "no \(name)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return try Script(String(decoding: bytes, as: UTF8.self))
    }

    /// Scripts about what the language itself has.
    static let defined = names.filter { (try? script($0))?.isOfDatabase != true }

    @Test func thereAreScripts() { #expect(Self.defined.count >= 8 && Self.names.count >= Self.defined.count + 3) }

    @Test(arguments: defined)
    func scriptsHoldByDefinition(_ name: String) throws {
        let script = try Self.script(name)
        run(script, name, on: ReferenceEngine(script.tables))
    }

    /// Subscriptions on a database; `original` languages and statements are as in the definition.
    @Test(arguments: defined)
    func subscriptionsOfScriptsHold(_ name: String) throws {
        let script = try Self.script(name)
        run(script, name, on: try SessionEngine(script, runsStatements: false))
    }

    /// Everything on a database. A database does not offer the `original` languages by itself, so statements in
    /// those are left to the definition.
    @Test(arguments: names.filter { pending[$0] == nil })
    func scriptsHoldOnDatabases(_ name: String) throws {
        let script = try Self.script(name)
        run(script, name, on: try SessionEngine(script, runsStatements: true))
    }

    /// Scripts, or what in them, the database does not do yet, and why. A script that is listed here and holds fails.
    private static let pending: [String: String] = [:]

    @Test(arguments: pending.keys.sorted())
    func pendingScriptsDoNotHold(_ name: String) throws {
        let script = try Self.script(name)
        withKnownIssue(Comment(rawValue: Self.pending[name] ?? "")) {
            run(script, name, on: try SessionEngine(script, runsStatements: true))
        }
    }

    // MARK: Running

    private func run(_ script: Script, _ name: String, on engine: some ScriptEngine) {
        #expect(!script.records.isEmpty, "\(name) says nothing")
        for record in script.records {
            let place = "\(name):\(record.line)"
            switch record.action {
            case .statement where !engine.offers(record.language): continue
            case .statement(let text, let expectation):
                check(expectation, "\(place): \(text)") {
                    try engine.run(
                        ScriptValues.replacingNames(in: text), record.language, as: record.speaker)
                }
            case .subscribe(let set, let texts, let expectation, let isOriginal):
                check(expectation, "\(place): \(texts)") {
                    ScriptOutcome(
                        rows: try engine.subscribe(
                            set, to: texts.map { ScriptValues.replacingNames(in: $0) }, isOriginal: isOriginal,
                            as: record.speaker))
                }
            case .unsubscribe(let set):
                check(.done, place) {
                    try engine.unsubscribe(set, as: record.speaker)
                    return ScriptOutcome()
                }
            case .told(let lines):
                let told = (try? engine.told(record.speaker)) ?? []
                // Within a commit the order is open.
                func commits(_ lines: [String]) -> [[String]] { lines.split(separator: ";").map { $0.sorted() } }
                let expected = lines.map { ScriptValues.replacingNames(in: $0, isRow: true) }
                #expect(commits(told) == commits(expected), "\(place)")
            }
        }
    }

    private func check(
        _ expectation: Script.Expectation, _ place: String, _ body: () throws -> ScriptOutcome
    ) {
        let outcome: ScriptOutcome
        do { outcome = try body() } catch {
            if case .error(let part) = expectation {
                let message = "\(error)"
                #expect(message.lowercased().contains(part.lowercased()), "\(place) says: \(message)")
            } else {
                Issue.record(error, "\(place)")
            }
            return
        }
        switch expectation {
        case .done: break
        case .error: Issue.record("\(place) is not refused")
        case .count(let what, let count):
            let found = what == "inserted" ? outcome.inserted : what == "updated" ? outcome.updated : outcome.deleted
            #expect(found == count, "\(place)")
        case .rows(let lines, let isOrdered):
            let rows = lines.map { ScriptValues.replacingNames(in: $0, isRow: true) }
            #expect(
                isOrdered ? outcome.rows == rows : outcome.rows.sorted() == rows.sorted(), "\(place): \(outcome.rows)")
        }
    }
}
