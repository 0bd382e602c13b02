/// A refusal of a request before anything was done, as HTTP says it.
struct Refusal: Error, Hashable {
    /// The code of the status, like 404.
    let status: Int
    /// What is wrong and what would be right; the body of the answer.
    let text: String

    init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }
}
