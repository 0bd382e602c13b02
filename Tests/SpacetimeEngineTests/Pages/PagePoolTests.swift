import Testing

@testable import SpacetimeEngine

@Suite struct PagePoolTests {
    @Test func blocksAreDistinctAndZeroWhenAskedFor() {
        var random = seededRandom()
        let pool = PagePool()
        var blocks: [(base: UnsafeMutableRawPointer, mark: UInt64)] = []
        for step in 0..<1_200 {
            let isGrowing = step / 200 % 2 == 0
            if blocks.isEmpty || random.oneIn(4) != isGrowing {
                let base = pool.takeZeroed()
                let words = UnsafeRawBufferPointer(start: base, count: PagePool.blockByteCount).bindMemory(
                    to: UInt64.self)
                #expect([0, 1, words.count / 2, words.count - 1].allSatisfy { words[$0] == 0 })
                let mark = random.next() | 1
                base.storeBytes(of: mark, as: UInt64.self)
                base.storeBytes(of: mark, toByteOffset: PagePool.blockByteCount - 8, as: UInt64.self)
                blocks.append((base, mark))
            } else {
                let (base, mark) = blocks.remove(at: random.below(blocks.count))
                #expect(base.load(as: UInt64.self) == mark)
                #expect(base.load(fromByteOffset: PagePool.blockByteCount - 8, as: UInt64.self) == mark)
                pool.giveBack(base)
            }
        }
        for (base, mark) in blocks {
            #expect(base.load(as: UInt64.self) == mark)
            pool.giveBack(base)
        }
    }

    @Test func preparedSlabsAreUsedAreZeroAndGoBack() {
        let pool = PagePool()
        var blocks = (0..<300).map { _ in pool.takeZeroed() }
        pool.prepareSpares()
        for _ in 0..<300 {
            let copy = pool.takeForCopy()
            copy.initializeMemory(as: UInt8.self, repeating: 0xFF, count: PagePool.blockByteCount)
            blocks.append(copy)
        }
        pool.prepareSpares()
        for _ in 0..<300 {
            let block = pool.takeZeroed()
            let words = UnsafeRawBufferPointer(start: block, count: PagePool.blockByteCount).bindMemory(to: UInt64.self)
            #expect(words.allSatisfy { $0 == 0 })
            blocks.append(block)
        }
        #expect(Set(blocks).count == 900)
        for block in blocks { pool.giveBack(block) }
        pool.releaseSpares()
        pool.releaseSpares()
    }

    @Test(arguments: [0, 1, 100, 65_536, hugePageByteCount - 1, hugePageByteCount, 5_000_000])
    func memoryOfEverySizeIsZero(_ byteCount: Int) {
        for _ in 0..<3 {
            let memory = allocateZeroed(byteCount: byteCount)
            let bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
            for position in Set([0, byteCount / 2, byteCount - 1]) where bytes.indices.contains(position) {
                #expect(bytes[position] == 0)
                bytes[position] = 1
            }
            freeZeroed(memory, byteCount: byteCount)
        }
    }

    @Test func comparingAndCopyingBytesAgreesAtEveryLength() {
        for length in 0..<40 {
            let bytes = (0..<length).map { UInt8($0 + 1) }
            var copy = [UInt8](repeating: 0, count: length + 2)
            bytes.withUnsafeBytes { source in
                copy.withUnsafeMutableBytes { target in
                    guard let from = source.baseAddress, let to = target.baseAddress else { return }
                    copyImage(from, to: to + 1, byteCount: length)
                }
            }
            #expect(copy == [0] + bytes + [0] || length == 0)
            for changed in 0..<length {
                var other = bytes
                other[changed] ^= 0x80
                #expect(!bytes.withUnsafeBytes { left in other.withUnsafeBytes { equalBytes(left, $0) } })
            }
            #expect(bytes.withUnsafeBytes { left in Array(bytes).withUnsafeBytes { equalBytes(left, $0) } })
        }
    }
}
