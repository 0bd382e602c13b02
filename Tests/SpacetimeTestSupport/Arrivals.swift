/// What arrived, in order, for one reader.
package struct Arrivals<Element: Sendable>: Sendable {
    private let stream: AsyncStream<Element>
    private let continuation: AsyncStream<Element>.Continuation

    package init() { (stream, continuation) = AsyncStream.makeStream() }

    package func put(_ element: Element) { continuation.yield(element) }

    /// The next one for which this holds; those before are passed over.
    package func next(where isWanted: @Sendable (Element) -> Bool = { _ in true }) async throws -> Element {
        for await element in stream where isWanted(element) { return element }
        throw CancellationError()
    }
}
