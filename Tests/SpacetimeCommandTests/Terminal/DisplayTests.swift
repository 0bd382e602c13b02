import Testing

@testable import SpacetimeCommand

/// Texts, tables and progress, as a terminal shows them.
@Suite struct DisplayTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("ａ", 2), ("한", 2), ("🙂", 2), ("❤\u{FE0F}", 2),
        ("👩‍👩‍👧", 2), ("─│", 2), ("\u{200B}", 0),
    ]) func widthIsThatOfTheScreen(text: String, width: Int) {
        #expect(DisplayText.width(text) == width)
    }

    @Test func whatATerminalWouldObeyIsWrittenOut() {
        #expect(DisplayText.escaped("a\u{1B}[31mb\n\tc\u{202E}") == #"a\u{1b}[31mb\n\tc\u{202e}"#)
        #expect(DisplayText.escapedLines("a\n\tb\u{7}") == "a\n\tb\\u{7}")
        #expect(DisplayText.escaped("plain – ünï") == "plain – ünï")
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("漢字漢", 5, "漢字…"), ("漢字漢", 4, "漢…"), ("ab", 1, "…"),
    ]) func cutTextsFit(text: String, limit: Int, cut: String) {
        #expect(DisplayText.cut(text, to: limit) == cut)
        #expect(DisplayText.width(cut) <= limit)
    }

    static let table = TextTable(
        [.init(title: "id", isRight: true), .init(title: "name"), .init(title: "note")],
        [["1", "Ann", "a note that goes on for long"], ["22", "漢字", nil], ["3", "new\nline", ""]])

    @Test func aTableIsAligned() {
        #expect(
            Self.table.lines(width: nil).joined(separator: "\n") == """
                 id │ name      │ note
                ────┼───────────┼──────────────────────────────
                  1 │ Ann       │ a note that goes on for long
                 22 │ 漢字      │ NULL
                  3 │ new\\nline │
                """)
    }

    @Test func theWidestColumnsAreCut() {
        #expect(
            Self.table.lines(width: 32).joined(separator: "\n") == """
                 id │ name      │ note
                ────┼───────────┼───────────────
                  1 │ Ann       │ a note that …
                 22 │ 漢字      │ NULL
                  3 │ new\\nline │
                """)
    }

    @Test func noLineIsWiderThanTheTerminal() {
        for width in 1...60 {
            for line in Self.table.lines(width: width) {
                #expect(DisplayText.width(line) <= width, "\(width): \(line)")
            }
        }
        let wide = TextTable((0..<30).map { "column\($0)" }, [Array(repeating: "value", count: 30)])
        for line in wide.lines(width: 40) { #expect(DisplayText.width(line) <= 40) }
    }

    @Test func coloursDoNotCountAsWidth() {
        let coloured = Self.table.lines(width: 32, style: TextStyle(isColoured: true))
        #expect(coloured[0].contains("\u{1B}[1mname\u{1B}[0m"))
        let plain = coloured.map { line in
            line.replacing("\u{1B}[1m", with: "").replacing("\u{1B}[2m", with: "").replacing("\u{1B}[0m", with: "")
        }
        #expect(plain == Self.table.lines(width: 32))
    }

    @Test func progressIsABar() {
        #expect(ProgressLine.line("up", 50, width: 21) == "up [█████─────]  50%")
        #expect(ProgressLine.line("up", 100, width: 200).hasSuffix("] 100%"))
        #expect(ProgressLine.line("up", 7, width: 10) == "7%")
    }

    @Test(arguments: [
        (410, "0.41 ms"), (9_999, "9.99 ms"), (12_345, "12 ms"), (1_200_000, "1.20 s"), (0, "0.00 ms"),
    ]) func durationsAreShort(microseconds: Int64, text: String) {
        #expect(DurationText.short(microseconds: microseconds) == text)
    }
}
