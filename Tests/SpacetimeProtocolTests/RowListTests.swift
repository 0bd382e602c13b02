import SpacetimeProtocol
import SpacetimeSATS
import Testing

@Suite struct RowListTests {
    private func decoded(_ text: String) throws(ProtocolError) -> RowList {
        // The only row list of an answer, whose other parts are fixed.
        let message = hex("01 00000000 00000000 01000000 00000000") + hex(text)
        guard case .subscribeApplied(_, _, let rows) = try V2.ServerMessage(body: message) else {
            throw .emptyPayload
        }
        return rows[0].rows
    }

    private func error(_ text: String) -> ProtocolError? {
        do {
            _ = try decoded(text)
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        // No rows; one; several of one size; of several sizes; of no size; of more than 65,535 bytes.
        ([], "01 00000000 00000000"),
        (["aabb"], "00 0200 02000000 aabb"),
        (["aabb", "ccdd"], "00 0200 04000000 aabbccdd"),
        (["aa", "bbcc"], "01 02000000 0000000000000000 0100000000000000 03000000 aabbcc"),
        (["aabb", "cc"], "01 02000000 0000000000000000 0200000000000000 03000000 aabbcc"),
        ([""], "01 01000000 0000000000000000 00000000"),
        (["", ""], "01 02000000 0000000000000000 0000000000000000 00000000"),
        (["", "aa"], "01 02000000 0000000000000000 0000000000000000 01000000 aa"),
        (["aa", ""], "01 02000000 0000000000000000 0100000000000000 01000000 aa"),
    ])
    func rowsTakeTheFormOfTheOriginal(_ rows: [String], _ bytes: String) throws {
        let rows = rows.map { hex($0) }
        let list = RowList(rows)
        #expect(list.rows == rows)
        #expect(list.count == rows.count)
        #expect(list.isEmpty == rows.isEmpty)
        #expect(written { $0.write(list) } == hex(bytes))
        #expect(try decoded(bytes) == list)
        // The same without a list in between.
        var ends: [Int] = []
        for row in rows { ends.append((ends.last ?? 0) + row.count) }
        let data = rows.flatMap { $0 }
        #expect(written { $0.writeRows(data, ends: ends) } == hex(bytes))
        #expect(RowList.byteCount(data, ends: ends) >= hex(bytes).count)
        var seen: [[UInt8]] = []
        list.forEach { row in seen.append(row.withUnsafeBytes { [UInt8]($0) }) }
        #expect(seen == rows)
    }

    @Test func rowsBeyond16BitsHaveOffsets() {
        #expect(RowList([[UInt8](repeating: 1, count: 65_535)]).sizeHint == .fixedSize(65_535))
        #expect(RowList([[UInt8](repeating: 1, count: 65_536)]).sizeHint == .rowOffsets([0]))
    }

    @Test func hintsMustFitTheData() {
        // A size of zero; no multiple of the size; data without a row; a first row behind the start; descending; past the end.
        #expect(error("00 0000 00000000") == .contradictoryRows(at: 17, expected: "a size that is not 0"))
        #expect(
            error("00 0200 03000000 aabbcc") == .contradictoryRows(at: 17, expected: "a multiple of 2 bytes, not 3"))
        let first = ProtocolError.contradictoryRows(at: 17, expected: "a first row that begins with the data")
        #expect(error("01 00000000 01000000 aa") == first)
        #expect(error("01 01000000 0100000000000000 01000000 aa") == first)
        #expect(
            error("01 03000000 0000000000000000 0200000000000000 0100000000000000 02000000 aabb")
                == .contradictoryRows(at: 17, expected: "ascending offsets up to 2, not 1 behind 2"))
        #expect(
            error("01 02000000 0000000000000000 0300000000000000 02000000 aabb")
                == .contradictoryRows(at: 17, expected: "ascending offsets up to 2, not 3 behind 0"))
        #expect(
            error("01 02000000 0000000000000000 ffffffffffffffff 02000000 aabb")
                == .contradictoryRows(at: 17, expected: "ascending offsets up to 2, not \(UInt64.max) behind 0"))
    }

    @Test func emptyDataWithASizeAreNoRows() throws { #expect(try decoded("00 0200 00000000").rows == []) }

    @Test func eitherFormIsTakenForAnyRows() throws {
        let offsets = try decoded("01 02000000 0000000000000000 0200000000000000 04000000 aabbccdd")
        let fixed = try decoded("00 0200 04000000 aabbccdd")
        #expect(offsets.rows == fixed.rows)
        // And each is written as it was.
        #expect(offsets != fixed)
    }
}
