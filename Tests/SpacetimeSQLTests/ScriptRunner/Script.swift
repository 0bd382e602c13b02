import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema

/// A script of statements and what comes of them, in a form after that of sqllogictest. Lines that begin with `#` are
/// comments; an empty line ends a record.
///
/// ```
/// table player public            a table: its columns, then indexes
/// id u64 primary auto
/// name string unique
/// tag option<u32>
/// index btree(name, tag)
///
/// database                       only a database runs the script: it is about what there is in databases only
/// rule SELECT …                  a rule of rows, of such a script
/// view own of player             a view of such a script, with rows of the type of a table: those of the query on the next lines,
/// SELECT * FROM player WHERE …   in which :sender is who looks; "anonymous" behind the table if it is the same for all
///
/// as alice                       who speaks from here on: owner, or any other name
/// in oneoff                      how: sql, oneoff, or as the original has them: original sql, original oneoff
///
/// ok                             the statement is done
/// inserted 2                     and inserts, updates or deletes so many rows
/// INSERT INTO player (id, name) VALUES (1, 'a'), (2, 'b')
///
/// error no such table            it is refused, and the message has this text (in any case)
/// SELECT * FROM secret
///
/// rows                           its rows in this order; or "bag", in any order
/// SELECT id, name FROM player ORDER BY id
/// ----
/// 1 | a
/// 2 | b
///
/// subscribe 1                    whoever speaks watches queries, one on each line, as set 1; the first rows follow
/// SELECT * FROM player WHERE id = 1
/// ----
/// 1 | a | NULL
///
/// told                           what whoever speaks was told since, with + and -, in the order of sets; commits apart by ;
/// ----
/// 1 - 1 | a | NULL
///
/// unsubscribe 1
/// ```
///
/// `$name` in a statement is the identity of `name` as a literal.
struct Script {
    enum Expectation: Hashable {
        case done
        case count(String, Int)
        case error(String)
        case rows([String], isOrdered: Bool)
    }

    enum Language: String, CaseIterable {
        case sql, oneoff
        case originalSQL = "original sql"
        case originalOneOff = "original oneoff"
    }

    enum Action {
        case statement(String, Expectation)
        case subscribe(set: UInt32, [String], Expectation, isOriginal: Bool)
        case unsubscribe(set: UInt32)
        case told([String])
    }

    struct View {
        var name: String
        var table: String
        var isAnonymous: Bool
        var query: String
    }

    struct Record {
        var line: Int
        var speaker: String
        var language: Language
        var action: Action
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    private(set) var tables: [TableSchema] = []
    /// It is about what only databases have.
    private(set) var isOfDatabase = false
    private(set) var rules: [String] = []
    private(set) var views: [View] = []
    private(set) var records: [Record] = []

    init(_ text: String) throws {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        var speaker = "owner"
        var language = Language.sql
        var position = 0
        while position < lines.count {
            let start = position
            let block = lines[start...].prefix { !$0.isEmpty }.filter { !$0.hasPrefix("#") }
            position += max(1, lines[start...].prefix { !$0.isEmpty }.count)
            var rest = block[...]
            while let line = rest.first {
                let words = line.split(separator: " ", maxSplits: 1).map { String($0) }
                let argument = words.count > 1 ? words[1] : ""
                rest.removeFirst()
                func malformed(_ what: String) -> Malformed { Malformed(description: "line \(start + 1): \(what)") }
                let action: Action
                switch words[0] {
                case "table":
                    tables.append(try TableText(argument, Array(rest)).schema)
                    rest = []
                    continue
                case "database":
                    isOfDatabase = true
                    continue
                case "rule":
                    rules.append(argument)
                    continue
                case "view":
                    let words = argument.split(separator: " ").map { String($0) }
                    guard words.count > 2, words[1] == "of" else { throw malformed("a view has no table") }
                    views.append(
                        View(
                            name: words[0], table: words[2], isAnonymous: words.last == "anonymous",
                            query: rest.joined(separator: "\n")))
                    rest = []
                    continue
                case "as":
                    speaker = argument
                    continue
                case "in":
                    guard let named = Language(rawValue: argument) else { throw malformed("no language \(argument)") }
                    language = named
                    continue
                case "ok": action = .statement(rest.joined(separator: "\n"), .done)
                case "inserted", "updated", "deleted":
                    guard let count = Int(argument) else { throw malformed("no number") }
                    action = .statement(rest.joined(separator: "\n"), .count(words[0], count))
                case "error": action = .statement(rest.joined(separator: "\n"), .error(argument))
                case "rows", "bag":
                    let parts = rest.split(separator: "----", maxSplits: 1, omittingEmptySubsequences: false)
                    guard parts.count == 2 else { throw malformed("no rows are given") }
                    action = .statement(
                        parts[0].joined(separator: "\n"), .rows(Array(parts[1]), isOrdered: words[0] == "rows"))
                case "subscribe":
                    // 1, 1 original, 1 error no such table
                    let refusal = argument.split(separator: "error ", maxSplits: 1, omittingEmptySubsequences: false)
                    let words = refusal[0].split(separator: " ").map { String($0) }
                    guard let set = words.first.flatMap({ UInt32($0) }) else { throw malformed("no number of a set") }
                    let parts = rest.split(separator: "----", maxSplits: 1, omittingEmptySubsequences: false)
                    let expectation: Expectation =
                        refusal.count == 2
                        ? .error(String(refusal[1]))
                        : .rows(parts.count == 2 ? Array(parts[1]) : [], isOrdered: false)
                    action = .subscribe(
                        set: set, Array(parts[0]), expectation, isOriginal: words.contains("original"))
                case "unsubscribe":
                    guard let set = UInt32(argument) else { throw malformed("no number of a set") }
                    action = .unsubscribe(set: set)
                case "told": action = .told(Array(rest.drop { $0 == "----" }))
                default: throw malformed("'\(words[0])' has no meaning")
                }
                records.append(Record(line: start + 1, speaker: speaker, language: language, action: action))
                rest = []
            }
        }
    }
}
