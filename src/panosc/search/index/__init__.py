"""The search index: one document of Tantivy for each dataset and document; it is derived."""
