public import SpacetimeSATS

/// What a server sends in one binary message: a tag for the compression, and the body with the messages.
public enum ServerPayload {
    /// Appends tag and body, compressed as the client asked for if the body is longer than ``Compression/threshold`` and gets
    /// shorter by it.
    public static func append(
        _ body: RawSpan, compression: Compression, compressor: some PayloadCompressor, to writer: inout BSATNWriter
    ) {
        let start = writer.count
        if compression != .none, body.byteCount > Compression.threshold {
            writer.write(compression.rawValue)
            if compressor.compress(body, with: compression, into: &writer), writer.count - start <= body.byteCount {
                return
            }
            writer.truncate(to: start)
        }
        writer.write(Compression.none.rawValue)
        writer.append(body)
    }

    /// Lends the plain body of a payload, which is decompressed into `scratch` if it has to be.
    ///
    /// - Throws: `ProtocolError` if the tag is unknown, the bytes are damaged, or the body is larger than
    ///   ``ProtocolLimits/messageBytes``; and what `read` throws.
    public static func withBody<Result>(
        of payload: RawSpan, limits: ProtocolLimits, decompressor: some PayloadDecompressor,
        scratch: inout BSATNWriter, _ read: (RawSpan) throws(ProtocolError) -> Result
    ) throws(ProtocolError) -> Result {
        try limits.check(.messageBytes, payload.byteCount, at: 0)
        guard payload.byteCount > 0 else { throw .emptyPayload }
        let tag = payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
        guard let compression = Compression(rawValue: tag) else { throw .unknownCompression(tag) }
        let body = payload.extracting(droppingFirst: 1)
        if compression == .none { return try read(body) }
        scratch.removeAll(keepingCapacity: true)
        guard decompressor.decompress(body, with: compression, limit: limits.messageBytes, into: &scratch) else {
            throw .notDecompressed(compression)
        }
        try limits.check(.messageBytes, scratch.count, at: 0)
        return try read(scratch.bytes)
    }
}
