import Testing

@testable import SpacetimeEngine

@Suite struct ImagePoolTests {
    @Test func sizeClassesAreAscendingAndFit() {
        var last = 0
        for byteCount in 1...(1 << 14) {
            let sizeClass = ImagePool.sizeClass(byteCount)
            #expect(sizeClass == last || sizeClass == last + 1)
            last = sizeClass
            let record = ImagePool.recordByteCount(sizeClass)
            #expect(record >= byteCount && record % 8 == 0)
            #expect(record <= max(byteCount + 7, byteCount * 5 / 4 + 8), "\(record) bytes for \(byteCount)")
        }
        #expect(ImagePool.sizeClass(1 << 14 + 1) == last + 1)
    }

    @Test func imagesStayUntilTheyAreGivenBack() {
        var random = seededRandom()
        var pool = ImagePool()
        var model: [UInt32: [UInt8]] = [:]
        for step in 0..<20_000 {
            if !model.isEmpty, random.oneIn(step % 4_000 > 3_000 ? 1 : 3) {
                guard let handle = model.keys.min(by: { $0 ^ UInt32(step) < $1 ^ UInt32(step) }) else { continue }
                model[handle] = nil
                pool.giveBack(handle)
            } else {
                let image = random.bytes(random.oneIn(200) ? random.below(40_000) : random.below(300))
                let handle = image.withUnsafeBytes { pool.insert($0, word: UInt32(image.count)) }
                #expect(model.updateValue(image, forKey: handle) == nil)
            }
            if step % 500 == 0 {
                for (handle, image) in model {
                    let found = Array(pool[handle])
                    let word = pool.word(handle).value
                    #expect(found == image && word == UInt32(image.count))
                }
                let count = pool.count
                #expect(count == model.count)
            }
        }
        for handle in model.keys { pool.giveBack(handle) }
        let (count, bytes) = (pool.count, pool.byteCount)
        // Some chunks of each size stay.
        #expect(count == 0 && bytes < 48 * 45 * 20_000)
    }
}
