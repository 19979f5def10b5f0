# docker build -t cart-nlp . ; docker run --rm --network none -v "$PWD:/data" cart-nlp tag dump.jsonl -o records.csv
# The image needs no network once it is built, and runs as a user without rights of its own.
FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/cart-nlp \
 && /opt/cart-nlp/bin/pip install --no-cache-dir -c constraints.txt ".[all]"

FROM python:3.12-slim
COPY --from=build /opt/cart-nlp /opt/cart-nlp
RUN useradd --create-home --uid 1000 reader
ENV PATH=/opt/cart-nlp/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER reader
WORKDIR /data
ENTRYPOINT ["cart-nlp"]
CMD ["--help"]
