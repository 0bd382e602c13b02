// Memory safety. Living ids, still pages: the scan is detached before the table is written.

/// Going through rows from the back, and through the keys of a direct index.
extension ScanState {
    /// Every row of a table, from the last page on.
    static func pagesFromTheBack(_ rows: RowsRef) -> Source {
        .pagesBackward(page: rows.storage.pageCount - 1, unit: .max)
    }

    mutating func refillFromPagesBackward(_ last: Int, below unit: Int) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        var page = last
        var unit = unit
        while page >= 0 {
            var units = rows.storage.liveUnitsBackward(page: page, below: unit)
            while let next = units.next() {
                unsafe offer(rows.storage.image(rows.storage.geometry.rowID(page: page, unit: next)))
                if filled == target {
                    source = .pagesBackward(page: page, unit: next)
                    return
                }
            }
            page &-= 1
            unit = .max
        }
        source = .done
    }

    mutating func refillFromTreeBackward(_ start: BTree.Position, _ end: BTree.Position) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        var position = end
        while filled < target {
            let first = position.leaf == start.leaf ? start.index : 0
            if let covered {
                let keys = position.leaf.keys
                while position.index > first, filled < target {
                    position.index &-= 1
                    offer(key: keys[position.index], of: covered)
                }
            } else {
                let ids = position.leaf.rows
                for i in max(first, position.index &- (target &- filled))..<max(first, position.index) {
                    rows.storage.prefetch(RowID(ids[i]))
                }
                while position.index > first, filled < target {
                    position.index &-= 1
                    unsafe offer(rows.storage.image(RowID(ids[position.index])))
                }
            }
            if position.index <= first {
                guard position.leaf != start.leaf, let previous = position.leaf.previous else {
                    source = rest ?? .done
                    rest = nil
                    return
                }
                position = BTree.Position(leaf: previous, index: previous.count)
            }
        }
        source = .treeBackward(start, position)
    }

    mutating func refillFromDirect(_ index: Ref<TableIndex>, _ first: UInt64, _ last: UInt64) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        var first = first
        while filled < target {
            guard let (key, row) = index.value.direct.first(from: first, through: last) else {
                source = index.value.direct.farRange(from: first, through: last).map { .tree($0, $1) } ?? .done
                return
            }
            unsafe offer(rows.storage.image(row))
            // Keys that are found directly lie far below the greatest number.
            first = key &+ 1
        }
        source = .direct(index, first, last)
    }

    mutating func refillFromDirectBackward(
        _ index: Ref<TableIndex>, _ first: UInt64, _ last: UInt64
    ) {
        guard let rows = table?.rows else {
            source = .done
            return
        }
        if let (start, end) = index.value.direct.farRange(from: first, through: last) {
            rest = first < DirectIndex.keyLimit ? .directBackward(index, first, DirectIndex.keyLimit - 1) : nil
            source = .treeBackward(start, end)
            return
        }
        var last = last
        while filled < target {
            guard let (key, row) = index.value.direct.last(from: first, through: last) else {
                source = .done
                return
            }
            unsafe offer(rows.storage.image(row))
            if key == first {
                source = .done
                return
            }
            last = key &- 1
        }
        source = .directBackward(index, first, last)
    }
}
