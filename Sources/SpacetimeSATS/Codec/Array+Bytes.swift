extension [UInt8] {
    /// Lends the bytes to a body that throws errors of one type: `withUnsafeBytes` would make them errors of any type.
    @inlinable
    package func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The same memory under another type, for as long as the array lends it.
        try unsafe withUnsafeBufferPointer { (buffer) throws(Failure) in
            try unsafe body(UnsafeRawBufferPointer(buffer))
        }
    }

    /// ``withBytes(_:)`` for a body that changes bytes.
    @inlinable
    package mutating func withMutableBytes<Result, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeMutableBufferPointer { (buffer) throws(Failure) in
            try unsafe body(UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
