# textrnn serve in a container: docker build -t textrnn . && docker run -p 8000:8000 -v ./models:/models
# -e TEXTRNN_TOKEN=a-long-secret textrnn. Only what uses models is installed, and tokenizers for models of subwords.
FROM python:3.12-slim
WORKDIR /app
COPY setup.cfg README.md ./
COPY light light
COPY textrnn textrnn
RUN pip install --no-cache-dir ./light
RUN useradd --create-home textrnn && mkdir /models && chown textrnn /models
USER textrnn
EXPOSE 8000
ENTRYPOINT ["textrnn"]
CMD ["serve", "--host", "0.0.0.0", "--models-dir", "/models", "--no-open"]
