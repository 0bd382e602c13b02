import SpacetimeTestSupport
import Testing

@testable import SpacetimeCommand

/// Keys, lines, what was entered before, and what is completed.
@Suite struct EditingTests {
    static let keys: [(String, [Key])] = [
        ("a", [.character("a")]), ("é漢🙂", [.character("é"), .character("漢"), .character("🙂")]),
        ("\r", [.enter]), ("\u{7F}\u{8}", [.backspace, .backspace]), ("\u{1}\u{5}", [.control("a"), .control("e")]),
        ("\u{1B}[A\u{1B}[B\u{1B}OC\u{1B}[D", [.up, .down, .right, .left]),
        ("\u{1B}[H\u{1B}[4~\u{1B}[3~", [.home, .end, .delete]),
        ("\u{1B}[1;5C\u{1B}b", [.wordRight, .wordLeft]), ("\u{1B}[200~", [.unknown]), ("\u{1B}d", [.alt("d")]),
        ("\t", [.tab]), ("\u{0}", [.unknown]),
    ]

    @Test func keysAreReadByteByByteAsAtOnce() {
        for (text, expected) in Self.keys {
            var whole = KeyDecoder()
            #expect(whole.append(Array(text.utf8)) == expected, "\(text.debugDescription)")
            var pieces = KeyDecoder()
            #expect(text.utf8.flatMap { pieces.append([$0]) } == expected, "\(text.debugDescription)")
        }
    }

    @Test func anyBytesAreKeysOfSomeKind() {
        for seed in UInt64(0)..<200 {
            var random = RandomValues(seed: seed)
            var decoder = KeyDecoder()
            var line = LineBuffer()
            for _ in 0..<200 {
                for key in decoder.append([UInt8.random(in: 0...255, using: &random)]) { _ = line.apply(key) }
                #expect(0...line.characters.count ~= line.cursor, "seed \(seed)")
            }
        }
    }

    /// Presses keys on a line whose cursor is at `|`.
    private func press(_ keys: [Key], on text: String) -> String {
        var line = LineBuffer()
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        line.insert(parts[0] + parts[1])
        for _ in parts[1] { _ = line.apply(.left) }
        for key in keys { _ = line.apply(key) }
        return line.head + "|" + line.text.dropFirst(line.head.count)
    }

    @Test func keysEditALine() {
        #expect(press([.character("x")], on: "a|b") == "ax|b")
        #expect(press([.backspace], on: "a|b") == "|b")
        #expect(press([.backspace], on: "|b") == "|b")
        #expect(press([.delete], on: "a|b") == "a|")
        #expect(press([.home, .character("x"), .end], on: "a|b") == "xab|")
        #expect(press([.control("k")], on: "a|bc") == "a|")
        #expect(press([.control("u")], on: "ab|c") == "|c")
        #expect(press([.control("w")], on: "one two  |x") == "one |x")
        #expect(press([.control("w"), .control("y"), .control("y")], on: "one two|") == "one twotwo|")
        #expect(press([.wordLeft, .wordLeft], on: "one (two)|") == "|one (two)")
        #expect(press([.wordRight], on: "|one two") == "one| two")
        #expect(press([.alt("d")], on: "|one two") == "| two")
        #expect(press([.control("t")], on: "ab|") == "ba|")
        #expect(press([.left, .left, .right], on: "ab|") == "a|b")
        #expect(press([.character("e"), .character("\u{301}"), .backspace], on: "a|b") == "a|b")
    }

    @Test func aLongLineIsShownAroundItsCursor() {
        var line = LineBuffer("0123456789")
        #expect(LineEditor.window(line, room: 20) == ("0123456789", 10))
        #expect(LineEditor.window(line, room: 5) == ("6789", 4))
        _ = line.apply(.home)
        #expect(LineEditor.window(line, room: 5) == ("01234", 0))
        line.replace(with: "漢字漢字")
        #expect(LineEditor.window(line, room: 5) == ("漢字", 4))
    }

    @Test func whatWasEnteredComesBack() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/state/history"
        var history = History(path: path)
        for text in ["one", "two", "two", "  ", "three\nlines"] { history.add(text) }
        #expect(history.entries == ["one", "two", "three lines"])
        #expect(history.previous(instead: "draft") == "three lines")
        #expect(history.previous(instead: "three lines") == "two")
        #expect(history.next() == "three lines")
        #expect(history.next() == "draft")
        #expect(history.next() == nil)
        history.save()
        var again = History(path: path)
        #expect(again.entries == history.entries)
        for number in 0..<(2 * History.limit) { again.add("entry \(number)") }
        #expect(again.entries.count == History.limit)
        #expect(again.entries.last == "entry \(2 * History.limit - 1)")
    }

    private func completer() throws -> SQLCompleter {
        SQLCompleter(try DatabaseSchema(json: .shop).module)
    }

    @Test func namesAndWordsAreCompleted() throws {
        let completer = try completer()
        func words(_ text: String, before: String = "") -> [String] {
            completer.completions(text, before: before).words
        }
        #expect(words("SEL") == ["SELECT"])
        #expect(words("sel") == ["select"])
        #expect(words("SELECT * FROM ") == ["customer", "purchase", "secret"])
        #expect(words("SELECT * FROM cu") == ["customer"])
        #expect(words("SELECT * FROM customer WHERE n") == ["name", "nickname", "not", "null"])
        #expect(words("SELECT * FROM customer c WHERE c.n") == ["name", "nickname"])
        #expect(words("SELECT * FROM customer AS c WHERE c.jo") == ["joined"])
        #expect(words("WHERE ni", before: "SELECT * FROM customer\n") == ["nickname"])
        #expect(words("INSERT INTO pur") == ["purchase"])
        #expect(words("\\ti") == ["\\timing"])
        #expect(words("\\d se") == ["secret"])
        #expect(words("zzz").isEmpty)
        let nested = SQLCompleter(tables: ["lib.users": ["id"], "user": ["id"]])
        #expect(nested.completions("SELECT * FROM lib.u").words == ["users"])
        #expect(nested.completions("SELECT * FROM li").words == ["lib.users"])
        #expect(completer.completions("SELECT * FROM cu").replaced == 2)
        #expect(LineEditor.commonPrefix(["name", "nickname"]) == "n")
    }

    @Test(
        arguments: [
            ("SELECT 1;", ["SELECT 1"], nil), ("a; b ;c", ["a", "b"], "c"), ("'a;b';", ["'a;b'"], nil),
            ("'it''s;';", ["'it''s;'"], nil), ("\"a;b\";", ["\"a;b\""], nil), ("a -- b;\nc;", ["a \nc"], nil),
            ("a /* b; /* c; */ d; */ e;", ["a   e"], nil), (";;  ;", [], nil), ("-- only this", [], nil),
            ("a - -1;", ["a - -1"], nil),
            ("1/2;", ["1/2"], nil), ("'open; ", [], "'open;"),
            // One character each in Swift, and not to servers: a sign with an accent behind it, and both ends of a line.
            ("'\u{301}a;b';", ["'\u{301}a;b'"], nil), ("'a;b'\u{301};", ["'a;b'\u{301}"], nil),
            ("\"\u{200D};\";", ["\"\u{200D};\""], nil), ("-- a;\r\nb;\r\n", ["b"], nil),
            ("/*\u{301} a; */ b;", ["b"], nil),
        ] as [(String, [String], String?)])
    func statementsEndAtSemicolonsOutsideOfTexts(text: String, whole: [String], rest: String?) {
        var atOnce = StatementSplitter()
        #expect(atOnce.append(text) == whole)
        #expect(atOnce.isOpen == (rest != nil))
        #expect(atOnce.finish() == rest)
        var inPieces = StatementSplitter()
        #expect(text.flatMap { inPieces.append(String($0)) } == whole)
    }
}
