import SpacetimeSATS

/// Where the columns of a table's rows lie: what indexes need to find a key in a row without making values of it.
struct RowLayout: Sendable {
    /// What the bytes of a column are, in a number, since it is asked for each row: from 0 on so many bytes; below 0 a count (u32)
    /// of elements of so many bytes each, as texts and arrays of numbers are; ``other`` for all else, which is walked through.
    private typealias Step = Int
    private static let other = Int.min

    private let steps: [Step]
    /// The types of the columns.
    private let types: [AlgebraicType]
    /// How many columns from the first on have a fixed place, and where each of them and the next begins.
    private let starts: [Int]
    private let typespace: Typespace

    init(_ columns: [AlgebraicType], in typespace: Typespace) {
        self.typespace = typespace
        // A type that cannot be resolved is walked through, which refuses rows instead of misreading them.
        types = columns.map { (try? typespace.resolved($0)) ?? $0 }
        steps = zip(columns, types).map { column, type in
            guard (try? typespace.resolved(column)) != nil else { return Self.other }
            // Larger ones are walked through, so that no sum of sizes overflows.
            if let size = type.bsatnSize { return size <= Int(Int32.max) ? size : Self.other }
            switch type {
            case .string: return -1
            case .array(let element):
                if let size = element.bsatnSize, size > 0, size <= Int(Int32.max) { return -size }
                return Self.other
            default: return Self.other
            }
        }
        var starts = [0]
        for size in steps.prefix(while: { $0 >= 0 }) { starts.append(starts[starts.count - 1] + size) }
        self.starts = starts
    }

    var columnCount: Int { steps.count }

    /// Where a column lies in every row that has it; nil if that differs from row to row.
    func fixedRange(of column: Int) -> Range<Int>? {
        guard column < steps.count, column < starts.count, steps[column] >= 0 else { return nil }
        return starts[column]..<starts[column] + steps[column]
    }

    /// The bytes of a column in a row, or nil if the row ends before it does.
    func range(of column: Int, in row: UnsafeRawBufferPointer) -> Range<Int>? {
        guard column < steps.count else { return nil }
        var next = min(column, starts.count &- 1)
        var start = starts[next]
        while true {
            let step = steps[next]
            var end: Int
            if step >= 0 {
                // Both are sizes of types or places in a row, far from the greatest number.
                end = start &+ step
            } else if step != Self.other {
                guard start &+ 4 <= row.count else { return nil }
                // The condition keeps the load inside; a count of 32 bits times a size of 31 fits.
                let count = UInt32(littleEndian: row.loadUnaligned(fromByteOffset: start, as: UInt32.self))
                end = start &+ 4 &- Int(count) &* step
            } else {
                guard let other = endOfOther(next, from: start, in: row) else { return nil }
                end = other
            }
            guard end <= row.count else { return nil }
            if next == column { return start..<end }
            start = end
            next &+= 1
        }
    }

    @inline(never) private func endOfOther(_ column: Int, from start: Int, in row: UnsafeRawBufferPointer) -> Int? {
        // The span is used within this call only, and the caller lends the bytes for it.
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        do throws(BSATNError) {
            try reader.skip(start)
            try skip(types[column], &reader)
            return reader.offset
        } catch { return nil }
    }

    private func skip(_ type: AlgebraicType, _ reader: inout BSATNReader) throws(BSATNError) {
        if let size = type.bsatnSize { return try reader.skip(size) }
        try reader.enter()
        switch type {
        case .string: try reader.skip(try reader.readCount(minimumElementSize: 1))
        case .array(let element):
            let size = element.bsatnSize
            // An element whose size varies has at least a tag or a count.
            let count = try reader.readCount(minimumElementSize: size ?? 1)
            if let size {
                try reader.skip(count * size)
            } else {
                for _ in 0..<count { try skip(element, &reader) }
            }
        case .product(let product):
            for element in product.elements { try skip(element.algebraicType, &reader) }
        case .sum(let sum):
            let tag = try reader.readTag(below: sum.variants.count)
            try skip(sum.variants[Int(tag)].algebraicType, &reader)
        case .ref(let ref):
            guard let target = typespace.following(type) else { throw .unresolvedRef(ref) }
            try skip(target, &reader)
        // The others have a size.
        default: break
        }
        reader.leave()
    }
}
