/// Counting without opening a scan.
extension RowStorage {
    /// Live rows that satisfy a predicate.
    ///
    /// A single comparison of an integer at a fixed offset, the common case, runs as one loop per comparison and width
    /// with nothing else inside.
    func count(where predicate: CompiledPredicate) -> Int {
        guard let test = predicate.integerTest else { return countGeneric(predicate) }
        let offset = Int(test.integer.offset)
        let flip = test.integer.flip
        switch test.integer.width {
        case 8: return count(offset, flip, test, UInt64.self)
        case 4: return count(offset, flip, test, UInt32.self)
        case 2: return count(offset, flip, test, UInt16.self)
        default: return count(offset, flip, test, UInt8.self)
        }
    }

    private func count<T: FixedWidthInteger & UnsignedInteger>(
        _ offset: Int, _ flip: UInt64,
        _ test: (integer: KeySpec.Integer, comparison: RowPredicate.Comparison, value: UInt64), _: T.Type
    ) -> Int {
        let flip = T(truncatingIfNeeded: flip)
        let value = T(truncatingIfNeeded: test.value)
        return switch test.comparison {
        case .equal: countRows { UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip == value }
        case .notEqual: countRows { UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip != value }
        case .less: countRows { UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip < value }
        case .lessOrEqual: countRows { UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip <= value }
        case .greater: countRows { UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip > value }
        case .greaterOrEqual: countRows { UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip >= value }
        }
    }

    private func countGeneric(_ predicate: CompiledPredicate) -> Int {
        countRows { start in
            let slot = start - (geometry.isPacked ? 0 : 4)
            let count = geometry.isPacked ? geometry.packedByteCount : Int(slot.load(as: UInt32.self))
            return predicate.matches(UnsafeRawBufferPointer(start: start, count: count))
        }
    }

    /// Calls `body` with every live row, in page order.
    func forEachRow(_ body: (RowID, UnsafeRawBufferPointer) -> Void) {
        for page in 0..<pageCount {
            let wordCount = liveWordCount(page: page)
            guard wordCount > 0 else { continue }
            let words = liveWords(page: page)
            for word in 0..<wordCount {
                var bits = words[word]
                while bits != 0 {
                    let unit = UInt32(word << 6 | bits.trailingZeroBitCount)
                    bits &= bits &- 1
                    let row = RowID(UInt32(page) << geometry.unitBits | unit)
                    body(row, image(row))
                }
            }
        }
    }

    /// Live rows for whose first image byte `isMatch` holds.
    @inline(__always)
    private func countRows(_ isMatch: (UnsafeRawPointer) -> Bool) -> Int {
        var total = 0
        let unit = geometry.unit
        let skip = geometry.dataOffset + (geometry.isPacked ? 0 : 4)
        for page in 0..<pageCount {
            let wordCount = liveWordCount(page: page)
            guard wordCount > 0 else { continue }
            let words = liveWords(page: page)
            let data = UnsafeRawPointer(entries[page].base + skip)
            for word in 0..<wordCount {
                var bits = words[word]
                let base = data + (word &* unit) &<< 6
                if bits == .max {
                    for i in 0..<64 { total &+= isMatch(base + i &* unit) ? 1 : 0 }
                    continue
                }
                while bits != 0 {
                    total &+= isMatch(base + bits.trailingZeroBitCount &* unit) ? 1 : 0
                    bits &= bits &- 1
                }
            }
        }
        return total
    }
}
