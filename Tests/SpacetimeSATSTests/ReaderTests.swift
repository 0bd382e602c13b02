import SpacetimeSATS
import Testing

@Suite struct ReaderTests {
    @Test func readsBackWhatWasWritten() throws {
        var writer = BSATNWriter()
        writer.write(7 as UInt64)
        writer.write("hello")
        var reader = BSATNReader(writer.bytes)
        #expect(try reader.readU64() == 7)
        #expect(try reader.readString() == "hello")
        try reader.finish()
    }
}
