import Testing

@testable import SpacetimeEngine

@Suite struct RowBagTests {
    @Test func weightsAddUpAndCancel() {
        var random = seededRandom()
        var bag = RowBag()
        for round in 0..<20 {
            bag.removeAll()
            let wasEmptied = bag.isEmpty
            #expect(wasEmptied)
            var model: [[UInt8]: Int] = [:]
            let size = round % 2 == 0 ? 2_000 : 3
            for _ in 0..<size {
                let row = random.bytes(random.below(3))
                let weight = random.below(5) - 2
                model[row, default: 0] += weight
                row.withUnsafeBytes { bag.add($0, weight) }
            }
            model = model.filter { $1 != 0 }
            var found: [[UInt8]: Int] = [:]
            bag.forEach { found[Array($0)] = $1 }
            #expect(found == model)
            let isEmpty = bag.isEmpty
            #expect(isEmpty == model.isEmpty)
            let (deletes, inserts) = bag.changes()
            #expect(deletes.count == model.values.reduce(0) { $0 - min($1, 0) })
            #expect(inserts.count == model.values.reduce(0) { $0 + max($1, 0) })
        }
    }

    @Test func sortedRowsAreTheFirstInTheirOrder() {
        var random = seededRandom()
        var sorter = RowSorter()
        for _ in 0..<200 {
            let limit = random.oneIn(3) ? Int.max : random.below(100) + 1
            sorter.begin(limit: limit)
            var model: [(key: [UInt8], row: [UInt8])] = []
            let rows = (0..<random.below(500)).map { _ in
                (key: random.bytes(random.oneIn(2) ? 9 + random.below(2) : 1), row: random.bytes(random.below(4)))
            }
            let areStill = random.oneIn(2)
            let images = RowImages(rows.map(\.row))
            for (position, row) in rows.enumerated() {
                // Few different beginnings, so that the rest decides.
                var key = row.key
                if key.count > 8 { for i in 0..<8 { key[i] = key[i] & 1 } }
                model.append((key, row.row))
                key.withUnsafeBytes { sorter.take($0, images[position], isStill: areStill, position % 3 + 1) }
            }
            model.sort {
                $0.key != $1.key
                    ? $0.key.lexicographicallyPrecedes($1.key) : $0.row.lexicographicallyPrecedes($1.row)
            }
            sorter.sort()
            let count = sorter.count
            #expect(count >= min(limit, model.count))
            for position in 0..<min(limit, model.count) {
                let row = Array(sorter.row(position))
                #expect(row == model[position].row)
            }
        }
    }
}

/// Rows that stay where they are.
private final class RowImages {
    private let images: [UnsafeMutableRawBufferPointer]

    init(_ rows: [[UInt8]]) {
        images = rows.map { row in
            let image = UnsafeMutableRawBufferPointer.allocate(byteCount: row.count, alignment: 1)
            image.copyBytes(from: row)
            return image
        }
    }

    deinit { for image in images { image.deallocate() } }

    subscript(position: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(images[position]) }
}
