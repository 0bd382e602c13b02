import Testing

@testable import SpacetimeCommand

/// Lines that come in pieces.
@Suite struct InputTests {
    @Test func linesAreTheSameHoweverTheyArrive() async {
        let input = InputLines(RecordingTerminal(input: "one\r\n\n  three is longer than a piece\nlast"))
        var lines: [String] = []
        while let line = await input.next() { lines.append(line) }
        #expect(lines == ["one", "", "  three is longer than a piece", "last"])
        #expect(await input.next() == nil)
    }

    @Test func theRestIsWhatNoLineWasTakenOf() async {
        let input = InputLines(RecordingTerminal(input: "one\ntwo\nthree"))
        #expect(await input.next() == "one")
        #expect(await input.rest() == Array("two\nthree".utf8))
        #expect(await input.next() == nil)
    }
}
