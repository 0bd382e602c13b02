import SpacetimeSATS
import Testing

@testable import SpacetimeEngine

@Suite struct KeyEncodingTests {
    private func encode(_ program: TypeProgram, _ node: Int32, _ value: AlgebraicValue) -> (key: [UInt8], read: Int) {
        var key = KeyBuffer()
        // A byte behind the value, so that the address of an empty one is valid.
        let read = (value.bsatn() + [0]).withUnsafeBytes { bytes in
            bytes.baseAddress.map { program.appendKey(node, at: $0, to: &key) } ?? 0
        }
        return (Array(key.bytes), read)
    }

    @Test func encodedOrderIsValueOrder() throws {
        var random = seededRandom()
        for _ in 0..<400 {
            let type = random.type()
            var program = TypeProgram()
            let node = try program.add(type)
            let values = (0..<12).map { _ in random.value(of: type, domain: 6) }
            let keys = values.map { encode(program, node, $0) }
            for i in values.indices {
                let size = (values[i].bsatn() + [0]).withUnsafeBytes { program.size(node, at: $0.baseAddress!) }
                #expect(keys[i].read == values[i].bsatn().count && size == keys[i].read)
                for j in values.indices {
                    let (left, right) = (keys[i].key, keys[j].key)
                    #expect(
                        left.lexicographicallyPrecedes(right) == (values[i] < values[j]),
                        "\(values[i]) and \(values[j]) of \(type)")
                    #expect((left == right) == (values[i] == values[j]), "\(values[i]) and \(values[j]) of \(type)")
                    // Each encoding ends itself: none is the beginning of another.
                    #expect(left == right || !right.starts(with: left), "\(values[i]) begins \(values[j]) of \(type)")
                }
            }
        }
    }

    @Test func canonicalTypesHaveOneImagePerValue() throws {
        var random = seededRandom()
        for _ in 0..<300 {
            let type = random.type()
            var program = TypeProgram()
            let node = try program.add(type)
            guard program.nodes[Int(node)].isCanonical else { continue }
            let values = (0..<10).map { _ in random.value(of: type, domain: 3) }
            for left in values {
                for right in values { #expect((left == right) == (left.bsatn() == right.bsatn())) }
            }
        }
    }

    @Test func prefixesOrderLikeKeys() {
        var random = seededRandom()
        let keys = (0..<200).map { _ in (0..<random.below(12)).map { _ in UInt8(random.below(3)) } }
        for left in keys {
            for right in keys {
                let (leftPrefix, rightPrefix) = (
                    left.withUnsafeBytes { keyPrefix($0) }, right.withUnsafeBytes { keyPrefix($0) }
                )
                if leftPrefix != rightPrefix {
                    #expect((leftPrefix < rightPrefix) == left.lexicographicallyPrecedes(right))
                }
                let order = left.withUnsafeBytes { left in right.withUnsafeBytes { compareBytes(left, $0) } }
                #expect((order < 0) == left.lexicographicallyPrecedes(right) && (order == 0) == (left == right))
            }
        }
    }

    @Test func theSuccessorIsAboveEverythingThatBeginsWithTheKey() {
        func successor(_ bytes: [UInt8]) -> [UInt8]? {
            var key = KeyBuffer()
            bytes.withUnsafeBytes { key.append($0) }
            return key.advanceToSuccessor() ? Array(key.bytes) : nil
        }
        #expect(successor([1, 2]) == [1, 3])
        #expect(successor([1, 0xFF, 0xFF]) == [2])
        #expect(successor([0xFF]) == nil)
        #expect(successor([]) == nil)
    }

    @Test func longKeysGrowTheBuffer() {
        var key = KeyBuffer()
        let bytes = [UInt8](repeating: 3, count: 10_000)
        bytes.withUnsafeBytes { key.append($0) }
        key.append(bigEndian: 0x0102_0304_0506_0708, 8)
        let (count, tail) = (key.count, Array(key.bytes.suffix(8)))
        #expect(count == 10_008 && tail == [1, 2, 3, 4, 5, 6, 7, 8])
    }
}
