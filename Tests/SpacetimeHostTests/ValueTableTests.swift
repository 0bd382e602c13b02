import SpacetimeTestSupport
import Testing

@testable import SpacetimeHost

/// Byte strings by number and by their bytes, against a dictionary.
@Suite struct ValueTableTests {
    @Test func valuesAreFoundByTheirBytesWhateverComesAndGoes() {
        var random = RandomValues(seed: freshSeed())
        for _ in 0..<30 {
            var table = ValueTable()
            var model: [[UInt8]: UInt32] = [:]
            var free = Array((0..<3_000 as Range<UInt32>).reversed())
            let (length, kinds) = (1 + random.below(20), [3, 40, 256][random.below(3)])
            for _ in 0..<random.below(4_000) {
                let value = (0..<length).map { _ in UInt8(random.below(kinds)) }
                #expect(table.number(of: value) == model[value])
                #expect(table.fits(value) && table.fits(value + [0]) == model.isEmpty)
                if let number = model[value] {
                    if random.oneIn(2) { continue }
                    table.remove(number)
                    model[value] = nil
                    free.append(number)
                } else if let number = free.popLast() {
                    table.insert(value, as: number)
                    model[value] = number
                }
                #expect(table.count == model.count)
            }
            for (value, number) in model {
                #expect(table.number(of: value) == number)
                #expect(table.withBytes(of: number) { Array($0) } == value)
            }
            for number in model.values { table.remove(number) }
            #expect(table.count == 0 && table.fits([1, 2, 3]))
            // Of another length now.
            table.insert([7, 7, 7], as: 0)
            #expect(table.number(of: [7, 7, 7]) == 0 && table.number(of: [7, 7]) == nil)
        }
    }
}
