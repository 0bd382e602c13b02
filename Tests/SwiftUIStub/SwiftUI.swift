// As much of SwiftUI as `@LiveQuery` and a view with it need, to compile them where there is no SwiftUI. See .ci/check-swiftui.

public protocol DynamicProperty {}

@propertyWrapper public struct State<Value>: DynamicProperty {
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public var wrappedValue: Value
}

@MainActor public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View {}

extension View where Body == Never {
    // Nothing is drawn here: these views are compiled, and not run.
    public var body: Never { fatalError() }
}

@resultBuilder public enum ViewBuilder {
    public static func buildBlock<each Content: View>(_ content: repeat each Content) -> Group {
        Group()
    }
    public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }
}

extension Optional: View where Wrapped: View {
    public typealias Body = Never
}

public struct Group: View {
    public typealias Body = Never
    public nonisolated init() {}
}

public struct Text: View {
    public typealias Body = Never
    public init(_ text: String) {}
}

public struct ProgressView: View {
    public typealias Body = Never
    public init() {}
}

public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content: View>: View {
    public typealias Body = Never
    public init(
        _ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content
    ) {}
}
