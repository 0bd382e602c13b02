public import SpacetimeSATS

extension WireReader {
    /// A list of rows, copied.
    @_lifetime(self: copy self)
    mutating func rowList() throws(ProtocolError) -> RowList {
        let at = offset
        let sizeHint: RowList.SizeHint =
            try tag(below: 2) == 0
            ? .fixedSize(try u16())
            : .rowOffsets(
                try array(minimumElementSize: 8) { (reader) throws(ProtocolError) in try reader.u64() })
        return try RowList(try bytes(), sizeHint: sizeHint, at: at)
    }
}

extension BSATNWriter {
    /// A list of rows with the hint that it has.
    public mutating func write(_ rows: RowList) {
        switch rows.sizeHint {
        case .fixedSize(let size):
            writeTag(0)
            write(size)
        case .rowOffsets(let offsets):
            writeTag(1)
            reserve(offsets.count * 8 + 4)
            write(array: offsets) { $0.write($1) }
        }
        write(rows.data)
    }

    /// The rows that end at `ends` in `data`, in the form of ``RowList/init(_:ends:)``, without making one. No copy but that
    /// into this writer.
    public mutating func writeRows(_ data: [UInt8], ends: [Int]) {
        precondition(ends.last ?? 0 == data.count, "the last row must end where the data end")
        reserve(RowList.byteCount(data, ends: ends))
        if let size = RowList.commonSize(ends) {
            writeTag(0)
            write(size)
        } else {
            writeTag(1)
            writeCount(ends.count)
            var start: UInt64 = 0
            for end in ends {
                write(start)
                start = UInt64(end)
            }
        }
        write(data)
    }
}

extension RowList {
    /// How many bytes ``SpacetimeSATS/BSATNWriter/writeRows(_:ends:)`` needs at most; exactly so many unless the rows have all
    /// the same size.
    public static func byteCount(_ data: [UInt8], ends: [Int]) -> Int { 1 + 4 + ends.count * 8 + 4 + data.count }
}
