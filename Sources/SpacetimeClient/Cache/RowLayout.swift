import SpacetimeSATS

/// Where the columns of a table's rows lie: what indexes need to find a key in a row without making values of it.
struct RowLayout: Sendable {
    private enum Step {
        /// So many bytes.
        case fixed(Int)
        /// A count (u32) of elements of so many bytes each: texts, and arrays of numbers.
        case counted(Int)
        /// Anything else, which is walked through.
        case other(AlgebraicType)
    }

    private let steps: [Step]
    /// How many columns from the first on have a fixed place, and where each of them and the next begins.
    private let starts: [Int]
    private let typespace: Typespace

    init(_ columns: [AlgebraicType], in typespace: Typespace) {
        self.typespace = typespace
        steps = columns.map { column in
            // A type that cannot be resolved is walked through, which refuses rows instead of misreading them.
            guard let type = try? typespace.resolved(column) else { return .other(column) }
            if let size = type.bsatnSize { return .fixed(size) }
            switch type {
            case .string: return .counted(1)
            case .array(let element):
                if let size = element.bsatnSize, size > 0 { return .counted(size) }
                return .other(type)
            default: return .other(type)
            }
        }
        var starts = [0]
        for case .fixed(let size) in steps.prefix(while: { if case .fixed = $0 { true } else { false } }) {
            starts.append(starts[starts.count - 1] + size)
        }
        self.starts = starts
    }

    var columnCount: Int { steps.count }

    /// The bytes of a column in a row, or nil if the row ends before it does.
    @inline(__always)
    func range(of column: Int, in row: UnsafeRawBufferPointer) -> Range<Int>? {
        if column < starts.count, case .fixed(let size) = steps[column] {
            let start = starts[column]
            return start &+ size <= row.count ? start..<start &+ size : nil
        }
        return walk(to: column, in: row)
    }

    private func walk(to column: Int, in row: UnsafeRawBufferPointer) -> Range<Int>? {
        // The span is used within this call only, and the caller lends the bytes for it.
        var reader = BSATNReader(RawSpan(_unsafeBytes: row))
        var next = min(column, starts.count - 1)
        do throws(BSATNError) {
            try reader.skip(starts[next])
            while next < column {
                try skip(steps[next], &reader)
                next += 1
            }
            let start = reader.offset
            try skip(steps[column], &reader)
            return start..<reader.offset
        } catch { return nil }
    }

    private func skip(_ step: Step, _ reader: inout BSATNReader) throws(BSATNError) {
        switch step {
        case .fixed(let size): try reader.skip(size)
        case .counted(let size): try reader.skip(try reader.readCount(minimumElementSize: size) * size)
        case .other(let type): try skip(type, &reader)
        }
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
