import Testing

@testable import SpacetimeEngine

@Suite struct PageGeometryTests {
    @Test func everyFixedSizeFillsItsPage() {
        for size in 0...20_000 {
            let geometry = PageGeometry(fixedSize: size)
            guard geometry.isPacked else {
                #expect(size > 16_384 && geometry.unit == PageGeometry.variableUnit)
                continue
            }
            let bitmapEnd = PageGeometry.headerByteCount + (geometry.unitsPerPage + 63) / 64 * 8
            let end = geometry.dataOffset + geometry.unitsPerPage * geometry.unit
            #expect(geometry.unit >= max(size, 4))
            #expect(geometry.unitsPerPage >= 1 && bitmapEnd <= geometry.dataOffset && end <= PageGeometry.pageByteCount)
            #expect(geometry.dataOffset % 16 == 0)
            #expect(geometry.unitsPerPage - 1 <= Int(geometry.unitMask), "units of \(size) bytes have no number")
            #expect(PageGeometry.pageByteCount - end < geometry.unit + 24, "\(size) bytes leave a slot unused")
            #expect(geometry.pageLimit >= 1 << 15)
        }
    }

    @Test func runsHoldTheirRowAndWasteLittle() {
        let geometry = PageGeometry(fixedSize: nil)
        #expect(geometry.dataOffset + geometry.unitsPerPage * geometry.unit <= PageGeometry.pageByteCount)
        #expect(geometry.unitsPerPage >= PageGeometry.sharedRunLimit)
        #expect((PageGeometry.headerByteCount + (geometry.unitsPerPage + 63) / 64 * 8) <= geometry.dataOffset)
        var previous = 0
        for size in Array(0...20_000) + [65_535, 65_536, 1 << 20, 1 << 30] {
            let run = geometry.unitsForRow(byteCount: size)
            #expect(run * geometry.unit >= size + 4 && run >= previous)
            #expect(run * geometry.unit <= (size + 4) * 9 / 8 + geometry.unit, "\(size) bytes take \(run) units")
            previous = run
        }
    }
}
