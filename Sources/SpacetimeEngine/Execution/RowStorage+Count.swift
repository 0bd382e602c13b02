// Memory safety. Valid images: each bit of a bitmap leads to a slot with a whole image, and the test reads a column
// that all have at this offset. Still pages: counting writes nothing.

/// Counting without opening a scan.
extension RowStorage {
    /// Live rows that satisfy a predicate.
    ///
    /// A single comparison of an integer at a fixed offset, the common case, runs as one loop per comparison and width
    /// with nothing else inside.
    func count(where predicate: CompiledPredicate) -> Int {
        guard let test = predicate.integerTest else { return countGeneric(predicate) }
        return count(test)
    }

    /// Live rows that satisfy a comparison of an integer.
    func count(_ test: CompiledPredicate.IntegerTest) -> Int {
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
        _ offset: Int, _ flip: UInt64, _ test: CompiledPredicate.IntegerTest, _: T.Type
    ) -> Int {
        let flip = T(truncatingIfNeeded: flip)
        let value = T(truncatingIfNeeded: test.value)
        return switch test.comparison {
        case .equal: unsafe countRows { unsafe UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip == value }
        case .notEqual:
            unsafe countRows { unsafe UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip != value }
        case .less: unsafe countRows { unsafe UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip < value }
        case .lessOrEqual:
            unsafe countRows { unsafe UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip <= value }
        case .greater:
            unsafe countRows { unsafe UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip > value }
        case .greaterOrEqual:
            unsafe countRows { unsafe UnsafeRawPointer($0 + offset).loadUnaligned(as: T.self) ^ flip >= value }
        }
    }

    private func countGeneric(_ predicate: CompiledPredicate) -> Int {
        let offset = geometry.imageOffset
        return unsafe countRows { unsafe predicate.matches(geometry.image(inSlot: $0 - offset)) }
    }

    /// Live rows for the address of whose image `isMatch` holds.
    @inline(__always)
    private func countRows(_ isMatch: (UnsafeRawPointer) -> Bool) -> Int {
        var total = 0
        let unit = geometry.unit
        let skip = geometry.dataOffset + geometry.imageOffset
        for page in 0..<pageCount {
            let data = unsafe UnsafeRawPointer(entries[page].base + skip)
            liveUnits(page: page).forEach {
                unsafe total &+= isMatch(data + $0 &* unit) ? 1 : 0
            } fullWord: { first in
                let base = unsafe data + first &* unit
                for i in 0..<64 { unsafe total &+= isMatch(base + i &* unit) ? 1 : 0 }
            }
        }
        return total
    }
}
