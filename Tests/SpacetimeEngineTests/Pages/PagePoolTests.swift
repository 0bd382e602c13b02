import Testing

@testable import SpacetimeEngine

@Suite struct PagePoolTests {
    @Test func blocksBelongToOneOwner() {
        var random = seededRandom()
        let pool = PagePool()
        var blocks: [(base: UnsafeMutableRawPointer, mark: UInt64)] = []
        for step in 0..<3_000 {
            let isGrowing = step / 500 % 2 == 0
            if blocks.isEmpty || random.oneIn(4) != isGrowing {
                let base = pool.take(inSmallPages: random.oneIn(3))
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
            #expect(pool.usage.used == blocks.count * PagePool.blockByteCount)
            #expect(pool.usage.pooled <= share(of: pool))
        }
        for (base, mark) in blocks {
            #expect(base.load(as: UInt64.self) == mark)
            pool.giveBack(base)
        }
        #expect(pool.usage.used == 0)
    }

    /// What may wait to be used again.
    private func share(of pool: PagePool) -> Int {
        max(PagePool.smallestShare * PagePool.blockByteCount, pool.usage.used / 8)
    }

    /// Blocks that stay keep every slab alive: then the system gets single blocks.
    @Test(arguments: [1, 2, 7, 32, 40])
    func whatIsAboveTheShareGoesToTheSystem(_ step: Int) {
        let pool = PagePool()
        let blocks = (0..<2_000).map { _ in pool.take() }
        for block in blocks { block.storeBytes(of: 7, toByteOffset: 5_000, as: UInt8.self) }
        for (number, block) in blocks.enumerated() where number % step != 0 { pool.giveBack(block) }
        #expect(pool.usage.pooled <= share(of: pool))
        for (number, block) in blocks.enumerated() where number % step == 0 {
            #expect(block.load(fromByteOffset: 5_000, as: UInt8.self) == 7)
        }
        // Blocks that the system has got can be had again.
        let others = (0..<2_000).map { _ in pool.take() }
        for block in others { block.storeBytes(of: 8, toByteOffset: 5_000, as: UInt8.self) }
        for (number, block) in blocks.enumerated() where number % step == 0 {
            #expect(block.load(fromByteOffset: 5_000, as: UInt8.self) == 7)
            pool.giveBack(block)
        }
        for block in others { pool.giveBack(block) }
        #expect(pool.usage.used == 0 && pool.usage.pooled <= share(of: pool))
    }

    @Test(arguments: [20_000, 130_000, hugePageByteCount - 16, hugePageByteCount, 3_000_000])
    func longRowsHaveMemoryOfTheirOwn(_ byteCount: Int) {
        let pool = PagePool()
        let memory = pool.takeLarge(byteCount)
        memory.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
        #expect(pool.usage == PagePool.Usage(used: byteCount, pooled: 0))
        pool.giveBackLarge(memory, byteCount)
        #expect(pool.usage == PagePool.Usage())
    }

    @Test func blocksComeBackFromAnyThread() async {
        let pool = PagePool()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    var mine: [UInt] = []
                    var random = SplitMix64(seed: UInt64(task))
                    for _ in 0..<2_000 {
                        if mine.isEmpty || random.below(200) > mine.count {
                            let block = pool.take()
                            block.storeBytes(of: task, toByteOffset: 4_096, as: Int.self)
                            mine.append(UInt(bitPattern: block))
                        } else if let block = UnsafeMutableRawPointer(
                            bitPattern: mine.remove(at: random.below(mine.count)))
                        {
                            #expect(block.load(fromByteOffset: 4_096, as: Int.self) == task)
                            pool.giveBack(block)
                        }
                    }
                    for block in mine { UnsafeMutableRawPointer(bitPattern: block).map(pool.giveBack) }
                }
            }
        }
        #expect(pool.usage.used == 0)
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
