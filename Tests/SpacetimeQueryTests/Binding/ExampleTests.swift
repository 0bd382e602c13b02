import SpacetimeEngine
import SpacetimeSATS
import SpacetimeSchema
import Testing

@testable import SpacetimeQuery

/// Which statements are accepted where: the examples of the language's description, each in the original language and in
/// ours.
@Suite struct ExampleTests {
    enum Place: String, Sendable {
        /// A subscription, a query of a client, a statement of the owner, a statement of somebody else.
        case subscription, oneOff, owner, other
        /// A subscription over the first version of the protocol.
        case firstVersion

        var original: SQLLanguage {
            switch self {
            case .subscription: .originalSubscription
            case .oneOff: .originalOneOff
            case .owner, .other: .originalAdHoc
            case .firstVersion: .originalSubscription.withoutEventTables
            }
        }

        var ours: SQLLanguage {
            switch self {
            case .subscription: .subscription
            case .oneOff: .oneOff
            case .owner, .other: .adHoc
            case .firstVersion: .subscription.withoutEventTables
            }
        }
    }

    struct Example: CustomTestStringConvertible, Sendable {
        var number: Int
        var place: Place
        var text: String
        /// Nil if it is accepted; else the code of the refusal and what it says.
        var original: (SQLError.Code, String)?
        var isAcceptedByOurs: Bool
        var testDescription: String { "\(number) \(place.rawValue): \(text)" }
    }

    private static func yes(_ number: Int, _ place: Place, _ text: String) -> Example {
        Example(number: number, place: place, text: text, original: nil, isAcceptedByOurs: true)
    }

    private static func no(
        _ number: Int, _ place: Place, _ text: String, _ code: SQLError.Code, _ says: String, ours: Bool = false
    ) -> Example {
        Example(number: number, place: place, text: text, original: (code, says), isAcceptedByOurs: ours)
    }

    private static let join = "FROM player p JOIN item i ON p.id = i.player_id"
    private static let identity = String(repeating: "c2", count: 32)

    static let examples: [Example] = [
        yes(1, .subscription, "SELECT * FROM player"), yes(2, .subscription, "select p.* from player as p;"),
        yes(3, .subscription, "SELECT player.* FROM player"),
        no(4, .subscription, "SELECT player.* FROM player p", .name, "not in scope"),
        no(5, .subscription, "SELECT * FROM Player", .noSuchTable, "did you mean 'player'"),
        yes(6, .subscription, "SELECT * FROM \"player\" WHERE \"name\" = 'O''Hara'"),
        no(7, .subscription, "SELECT id FROM player", .unsupported, "whole rows only"),
        no(8, .subscription, "SELECT COUNT(*) AS n FROM player", .unsupported, "whole rows only", ours: true),
        no(9, .subscription, "SELECT * FROM player LIMIT 5", .unsupported, "LIMIT", ours: true),
        no(10, .subscription, "SELECT * FROM player ORDER BY id", .unsupported, "ORDER BY", ours: true),
        yes(11, .subscription, "SELECT * FROM player WHERE owner = :sender"),
        no(12, .subscription, "SELECT * FROM player WHERE owner = :Sender", .unsupported, ":sender"),
        no(13, .subscription, "SELECT * FROM player WHERE name = :sender", .type, "Identity"),
        yes(14, .subscription, "SELECT * FROM player WHERE blob = :sender"),
        yes(15, .subscription, "SELECT * FROM player WHERE online"),
        no(16, .subscription, "SELECT * FROM player WHERE NOT online", .unsupported, "NOT", ours: true),
        yes(17, .subscription, "SELECT * FROM player WHERE online = FALSE AND (level > 3 OR level = 1)"),
        no(18, .subscription, "SELECT * FROM player WHERE level IN (1,2)", .unsupported, "IN", ours: true),
        no(19, .subscription, "SELECT * FROM player WHERE level BETWEEN 1 AND 2", .unsupported, "BETWEEN", ours: true),
        yes(20, .subscription, "SELECT * FROM player WHERE level = 1 OR level = 2"),
        no(21, .subscription, "SELECT * FROM player WHERE level + 1 = 2", .unsupported, "operator '+'", ours: true),
        no(22, .subscription, "SELECT * FROM player WHERE tag IS NULL", .unsupported, "IS NULL", ours: true),
        no(23, .subscription, "SELECT * FROM player WHERE tag = 5", .type, "UInt32?", ours: true),
        yes(24, .subscription, "SELECT p.* \(join)"), yes(25, .subscription, "SELECT i.* \(join) WHERE p.name = 'a'"),
        no(26, .subscription, "SELECT * \(join)", .unsupported, "'*' for several tables"),
        no(
            27, .subscription, "SELECT p.* FROM player p JOIN item i ON id = player_id", .name,
            "must be qualified"),
        no(
            28, .subscription, "SELECT p.* FROM player p JOIN item i ON p.level = i.kind", .index, "index",
            ours: true),
        yes(29, .subscription, "SELECT p.* FROM player p JOIN item i ON p.level = i.kind WHERE i.kind = 4"),
        no(30, .subscription, "SELECT p.* FROM player p JOIN item i", .index, "index"),
        // Deviation 4: with an index, an equality is as good in WHERE.
        yes(31, .subscription, "SELECT p.* FROM player p JOIN item i WHERE p.id = i.player_id"),
        no(
            32, .subscription, "SELECT p.* \(join) JOIN item j ON j.player_id = p.id", .unsupported, "3 tables",
            ours: true),
        no(
            33, .subscription, "SELECT p.* FROM player p LEFT JOIN item i ON p.id = i.player_id", .unsupported,
            "only inner joins", ours: true),
        no(34, .subscription, "SELECT p.* FROM player p, item i WHERE p.id = i.player_id", .unsupported, "commas"),
        no(35, .subscription, "SELECT a.* FROM player a JOIN player b ON a.id = b.level", .type, "UInt64"),
        yes(36, .subscription, "SELECT a.* FROM item a JOIN item b ON a.id = b.player_id"),
        no(37, .subscription, "SELECT item.* FROM item JOIN item ON item.id = item.player_id", .name, "two tables"),
        no(38, .other, "SELECT * FROM secret", .noSuchTable, "private"), yes(39, .subscription, "SELECT * FROM ping"),
        no(40, .firstVersion, "SELECT * FROM ping", .unsupported, "event table"),
        no(
            41, .subscription, "SELECT p.* FROM player p JOIN ping g ON p.level = g.id", .index, "index", ours: true),
        no(
            41, .subscription, "SELECT p.* FROM player p JOIN pong g ON p.level = g.id", .index, "index", ours: true),
        no(43, .subscription, "   ", .empty, "no statement"),
        no(44, .subscription, "DELETE FROM player", .unsupported, "only SELECT"),
        yes(45, .subscription, "SELECT * FROM st_client"),
        // Deviation 3
        yes(46, .subscription, "SELECT * FROM st_client WHERE identity = :sender"),
        yes(47, .oneOff, "SELECT p.* FROM player p JOIN item i ON p.level = i.kind"),
        no(48, .oneOff, "SELECT name FROM player", .unsupported, "whole rows only"),
        yes(49, .owner, "SELECT name, level AS l FROM player WHERE level >= 10 LIMIT 20"),
        no(50, .owner, "SELECT name, name FROM player", .name, "'name'"),
        yes(51, .owner, "SELECT name AS a, name AS b FROM player"),
        no(52, .owner, "SELECT *, name FROM player", .unsupported, "'*' beside"),
        yes(53, .owner, "SELECT COUNT(*) AS n FROM player"),
        no(54, .owner, "SELECT COUNT(*) FROM player", .name, "COUNT(*) AS n", ours: true),
        yes(55, .owner, "SELECT count(*) n FROM player WHERE level = 3 LIMIT 1"),
        no(56, .owner, "SELECT COUNT(id) AS n FROM player", .unsupported, "aggregate", ours: true),
        no(57, .owner, "SELECT SUM(level) AS s FROM player", .unsupported, "aggregate", ours: true),
        no(58, .owner, "SELECT DISTINCT name FROM player", .unsupported, "DISTINCT", ours: true),
        no(59, .owner, "SELECT 1", .syntax, "FROM clause", ours: true),
        no(60, .owner, "SELECT * FROM player WHERE 1 = 1", .type, "cannot be told", ours: true),
        yes(61, .owner, "SELECT * FROM player WHERE TRUE"),
        yes(62, .owner, "SELECT * FROM player WHERE score = -170141183460469231731687303715884105728"),
        no(63, .owner, "SELECT * FROM player WHERE level = -1", .type, "'-1' cannot be read as type UInt32"),
        yes(64, .owner, "SELECT * FROM player WHERE level = 1e2"),
        no(65, .owner, "SELECT * FROM player WHERE level = 1.5", .type, "'1.5'"),
        yes(66, .owner, "SELECT * FROM player WHERE level = 0x10"),
        // Deviation 3
        yes(67, .owner, "SELECT * FROM player WHERE level = 0xFF"),
        yes(68, .owner, "SELECT * FROM player WHERE ratio > .5"),
        yes(69, .owner, "SELECT * FROM player WHERE joined > '2025-02-10T15:45:30Z'"),
        no(70, .owner, "SELECT * FROM player WHERE joined > '2025-02-10'", .type, "Timestamp"),
        no(71, .owner, "SELECT * FROM player WHERE joined > 1700000000000000", .type, "Timestamp"),
        yes(72, .owner, "SELECT * FROM player WHERE owner = 0x\(identity)"),
        no(73, .owner, "SELECT * FROM player WHERE owner = 0xab", .type, "Identity"),
        yes(74, .owner, "SELECT * FROM player WHERE blob = X'00ff'"),
        no(75, .owner, "SELECT * FROM player WHERE blob = 0xabc", .type, "[UInt8]"),
        yes(76, .owner, "SELECT p.name, i.kind \(join) JOIN grid g ON g.id = i.id"),
        yes(77, .owner, "SELECT * FROM grid WHERE x = 1 AND z = 2"), yes(78, .owner, "SELECT * FROM grid WHERE x = 1"),
        yes(79, .owner, "SELECT * FROM top WHERE kind = 2"),
        yes(80, .owner, "INSERT INTO item (id, player_id, kind) VALUES (0, 1, 2), (0, 1, 3)"),
        yes(81, .owner, "INSERT INTO item (kind, id, player_id) VALUES (7, 1, 2)"),
        // Deviation 1
        yes(82, .owner, "INSERT INTO item VALUES (1, 2, 3)"),
        no(
            83, .owner, "INSERT INTO item (id, player_id) VALUES (1, 2)", .count,
            "2 columns are given for 'item', which has 3"),
        no(
            84, .owner, "INSERT INTO item (id, player_id, kind) VALUES (1, 2)", .count,
            "2 values are given for 'item' where 3"),
        no(85, .owner, "INSERT INTO item (id, player_id, kind) VALUES ('1', 2, 3)", .type, "UInt64"),
        yes(86, .owner, "INSERT INTO log (msg) VALUES (5)"), yes(87, .owner, "INSERT INTO log (msg) VALUES ('x')"),
        no(88, .owner, "INSERT INTO top (id, player_id, kind) VALUES (1,1,1)", .unsupported, "view 'top'"),
        // That others may not write is found when it runs, after everything else: 89.
        yes(89, .other, "INSERT INTO log (msg) VALUES ('x')"),
        yes(90, .owner, "UPDATE item SET kind = 9 WHERE player_id = 1"),
        no(91, .owner, "UPDATE item SET kind = player_id", .unsupported, "anything but a literal"),
        // Deviation 2
        yes(92, .owner, "UPDATE player SET joined = '2025-02-10T15:45:30Z'"),
        no(93, .owner, "UPDATE item i SET kind = 1", .unsupported, "another name"),
        yes(94, .owner, "DELETE FROM item WHERE item.kind = 9"),
        no(95, .owner, "DELETE FROM item i WHERE i.kind = 9", .unsupported, "another name"),
        yes(96, .owner, "SET row_limit = 1000"), no(97, .owner, "SET row_limit = 'x'", .type, "number of rows"),
        no(98, .owner, "SET foo = 1", .name, "'row_limit'"), yes(99, .owner, "SHOW row_limit"),
        yes(100, .other, "SELECT * FROM player LIMIT 10"),
        no(101, .owner, "SELECT * FROM player; SELECT * FROM item", .unsupported, "several statements"),
        no(102, .owner, "CREATE TABLE x (a INT)", .unsupported, "CREATE"),
        no(103, .other, "SELECT * FROM st_connection_credentials", .noSuchTable, "private"),
    ]

    @Test(arguments: examples)
    func originalLanguagesAcceptWhatTheOriginalDoes(_ example: Example) {
        let refusal = refusal(of: example, in: example.place.original)
        guard let (code, says) = example.original else {
            #expect(refusal == nil)
            return
        }
        #expect(refusal?.code == code && refusal?.reason.contains(says) == true, "\(refusal as SQLError?)")
    }

    @Test(arguments: examples)
    func oursAcceptAllOfItAndMore(_ example: Example) {
        let refusal = refusal(of: example, in: example.place.ours)
        #expect((refusal == nil) == example.isAcceptedByOurs, "\(refusal as SQLError?)")
    }

    private func refusal(of example: Example, in language: SQLLanguage) -> SQLError? {
        do throws(SQLError) {
            _ = try ExampleCatalog.bind(example.text, language, isOwner: example.place != .other)
            return nil
        } catch {
            return error
        }
    }

    @Test func everyExampleIsThere() {
        // 42 is of `SELECT * FROM *`, below.
        #expect(Set(Self.examples.map(\.number)) == Set(1...103).subtracting([42]))
    }

    @Test func everythingIsWhatTheCallerMayRead() {
        func names(_ text: String, isOwner: Bool = false) -> [String]? {
            ExampleCatalog.catalog.everything(text, isOwner: isOwner)?.map(\.schema.name)
        }
        let tables = names("  select *\n FROM   * ") ?? []
        #expect(Set(tables).isSuperset(of: ["player", "item", "grid", "log", "top"]))
        #expect(Set(tables).isDisjoint(with: ["ping", "pong", "secret", "st_client"]))
        #expect(names("SELECT * FROM *", isOwner: true)?.contains("secret") == true)
        #expect(names("SELECT * FROM *;") == nil && names("SELECT *FROM *") == nil)
    }

    @Test(arguments: [
        "SELECT * FROM secret", "SELECT * FROM secret WHERE FALSE", "SELECT secret.* FROM secret",
        "SELECT i.* FROM item i JOIN secret s ON i.id = s.id", "SELECT s.* FROM secret s JOIN item i ON i.id = s.id",
        "INSERT INTO secret (id) VALUES (1)", "UPDATE secret SET id = 1", "DELETE FROM secret",
    ])
    func privateTablesAreNotThereForOthers(_ text: String) {
        for language in [SQLLanguage.oneOff, .subscription, .adHoc, .originalAdHoc, .originalSubscription] {
            let isChange = !text.hasPrefix("SELECT")
            if isChange, !language.has(.changes) { continue }
            #expect {
                try ExampleCatalog.bind(text, language, isOwner: false)
            } throws: {
                ($0 as? SQLError)?.code == .noSuchTable
            }
            #expect(throws: Never.self) { try ExampleCatalog.bind(text, language, isOwner: true) }
        }
    }

    // MARK: Limits

    @Test(arguments: [SQLLanguage.originalSubscription, .originalAdHoc, .subscription, .oneOff, .adHoc])
    func aChainOf1600AlternativesIsTheLongest(_ language: SQLLanguage) throws {
        func text(_ count: Int) -> String {
            "SELECT * FROM grid WHERE " + (0..<count).map { _ in "x = 1" }.joined(separator: " OR ")
        }
        _ = try ExampleCatalog.bind(text(1_600), language)
        #expect { try ExampleCatalog.bind(text(1_601), language) } throws: { ($0 as? SQLError)?.code == .tooLarge }
        // Parentheses are a level.
        let wrapped = text(1_600).replacing("x = 1 OR", with: "(x = 1) OR")
        #expect { try ExampleCatalog.bind(wrapped, language) } throws: { ($0 as? SQLError)?.code == .tooLarge }
    }

    @Test func longTextsAreRefusedBeforeTheyAreRead() {
        #expect { try ExampleCatalog.bind(String(repeating: "x", count: 50_001)) } throws: {
            ($0 as? SQLError)?.code == .tooLarge
        }
    }

    @Test(arguments: [SQLLanguage.originalAdHoc, .adHoc])
    func a200FoldSelfJoinIsAccepted(_ language: SQLLanguage) throws {
        let joins = (1...200).map { " JOIN item i\($0) ON i\($0 - 1).player_id = i\($0).id" }.joined()
        guard case .select(let select) = try ExampleCatalog.bind("SELECT i200.* FROM item i0" + joins, language) else {
            return
        }
        #expect(select.query.tables.count == 201 && select.query.conditions.count == 200)
    }
}
